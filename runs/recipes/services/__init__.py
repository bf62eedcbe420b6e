"""Every write of the room. save: recipes of a project. start: a recipe run, anew or again from a stage.
advance: what moves a recipe run on. deeds: what people do to one under way."""

from runs.recipes.services.advance import advance as advance
from runs.recipes.services.advance import advance_open as advance_open
from runs.recipes.services.deeds import approve as approve
from runs.recipes.services.deeds import cancel as cancel
from runs.recipes.services.deeds import retry as retry
from runs.recipes.services.save import change_recipe as change_recipe
from runs.recipes.services.save import delete_recipe as delete_recipe
from runs.recipes.services.save import save_recipe as save_recipe
from runs.recipes.services.start import restart as restart
from runs.recipes.services.start import start as start
