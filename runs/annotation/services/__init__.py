"""Every write of the room: campaigns, the work of annotators, what editors resolve, exports.

For other rooms: `create_campaign`, `finish_campaign`, `export_version` here, `progress` in the selectors, and the signal
`campaign_finished`.
"""

from runs.annotation.services.campaigns import (
    create_campaign,
    delete_campaign,
    edit_campaign,
    finish_campaign,
    reopen_campaign,
    restore_campaign,
)
from runs.annotation.services.exports import export_version, keep_export
from runs.annotation.services.review import resolve
from runs.annotation.services.work import hand_out, submit, submit_and_go_on, undo

__all__ = [
    "create_campaign",
    "delete_campaign",
    "edit_campaign",
    "export_version",
    "finish_campaign",
    "hand_out",
    "keep_export",
    "reopen_campaign",
    "resolve",
    "restore_campaign",
    "submit",
    "submit_and_go_on",
    "undo",
]
