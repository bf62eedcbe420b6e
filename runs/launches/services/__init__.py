"""Every write of the room, by subject.

create: a draft becomes a frozen run. transition: the one door through which a state changes. claim: who executes.
observe: what the engine said. finish: how an attempt ends. recovery: whether it may be tried again. control: what
people ask for. upkeep: names, tags, deletion. hosts: workers' own rows.
"""

from runs.launches.services.claim import claim as claim
from runs.launches.services.claim import renew as renew
from runs.launches.services.claim import settle_lost as settle_lost
from runs.launches.services.claim import start_ready as start_ready
from runs.launches.services.control import request_control as request_control
from runs.launches.services.control import take_controls as take_controls
from runs.launches.services.create import create_run as create_run
from runs.launches.services.create import start as start
from runs.launches.services.finish import end_attempt as end_attempt
from runs.launches.services.hosts import announce_worker as announce_worker
from runs.launches.services.hosts import heartbeat as heartbeat
from runs.launches.services.observe import observe as observe
from runs.launches.services.observe import start_attempt as start_attempt
from runs.launches.services.transition import transition as transition
from runs.launches.services.upkeep import delete_run as delete_run
from runs.launches.services.upkeep import edit_run as edit_run
from runs.launches.services.upkeep import mark_checkpoint as mark_checkpoint
from runs.launches.services.upkeep import register_checkpoint as register_checkpoint
from runs.launches.services.upkeep import restore_run as restore_run
from runs.launches.services.upkeep import retry as retry
from runs.leases import Fenced as Fenced
