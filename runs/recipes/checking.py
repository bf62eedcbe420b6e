"""A recipe checked as a whole, before anything starts: references, cycles, parameters, and whether the sorts fit."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from runs.accounts.models import Project
from runs.datasets.selectors import version_ref
from runs.launches.schemas import DraftDataset
from runs.library.selectors import model_ref
from runs.problems import FieldError, Invalid, Problem
from runs.recipes.definition import Definition, Param
from runs.recipes.kinds import kind_of
from runs.recipes.references import ABSENT, Reference, references_in, resolve
from runs.recipes.slots import Slot
from workers.contract.run_spec import ModelKind

Params = dict[str, Any]


@dataclass
class Checked:
    """`params` are the values with every default, as a recipe run keeps them."""

    params: Params = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    def raise_if_any(self) -> None:
        if self.errors:
            first = self.errors[0]
            raise Invalid(f"The recipe cannot start as it is. {first.field}: {first.message}", self.errors)


def check_definition(definition: Definition, project: Project | None = None) -> list[FieldError]:
    """What is wrong with a recipe whatever people will choose: looked at once for each value of each choice."""
    errors = list(_structure_faults(definition))
    if errors:
        return errors
    found: dict[tuple[str, str], FieldError] = {}
    for choices in _variants(definition):
        values = {name: choices.get(name, _stand_in(name, param)) for name, param in definition.params.items()}
        for error in _stage_faults(definition, values, project):
            found.setdefault((error.field, error.message), error)
    return list(found.values())


def check_start(definition: Definition, params: Params, project: Project) -> Checked:
    """What is wrong with starting `definition` with `params` in `project`; the completed values."""
    checked = Checked(errors=list(_structure_faults(definition)))
    if checked.errors:
        return checked
    for name in sorted(set(params) - set(definition.params)):
        known = ", ".join(definition.params) or "none"
        checked.errors.append(FieldError(f"params.{name}", f"The recipe has no parameter `{name}`. It has: {known}."))
    values: dict[str, Any] = {}
    for name, param in definition.params.items():
        given: Any = params.get(name)
        given = param.default if given is None else given
        try:
            values[name] = _value(name, param, given, project)
            checked.params[name] = given
        except Problem as problem:
            checked.errors.append(FieldError(f"params.{name}", problem.detail))
            values[name] = _stand_in(name, param)
    checked.errors += _stage_faults(definition, values, project)
    return checked


def order(definition: Definition) -> list[str]:
    """Stage names, each after those it needs. Raises CycleError."""
    return list(TopologicalSorter({stage.name: stage.needs() for stage in definition.stages}).static_order())


def _structure_faults(definition: Definition) -> Iterator[FieldError]:
    names = [stage.name for stage in definition.stages]
    for index, stage in enumerate(definition.stages):
        here = f"definition.stages.{index}"
        if stage.name in names[:index]:
            yield FieldError(f"{here}.name", f"Two stages are called “{stage.name}”. Rename one.")
        for nth, other in enumerate(stage.after):
            if other not in names or other == stage.name:
                yield FieldError(f"{here}.after.{nth}", f"No other stage is called “{other}”. There are: {', '.join(names)}.")
        for place, reference in references_in(stage.body):
            if message := _reference_fault(definition, stage.name, reference):
                yield FieldError(f"{here}.{stage.kind}.{place}", message)
        yield from _choose_faults(definition, stage.body, f"{here}.{stage.kind}")
    yield from _cycle_faults(definition, names)


def _reference_fault(definition: Definition, here: str, reference: Reference | str) -> str:
    """What is wrong with a reference, or nothing."""
    if isinstance(reference, str):
        return f"{reference} cannot be read. Write ${{params.name}} or ${{stages.name.output}}."
    names = list(definition.params) if reference.root == "params" else [stage.name for stage in definition.stages]
    if reference.name not in names:
        thing = "parameter" if reference.root == "params" else "stage"
        return f"{reference.text} names no {thing} of this recipe. There are: {', '.join(names) or 'none'}."
    if reference.root == "stages" and reference.name == here:
        return f"{reference.text} refers to the stage itself. Refer to an earlier one."
    return ""


def _choose_faults(definition: Definition, template: Any, place: str) -> Iterator[FieldError]:
    """`choose` takes a choice parameter, and `from` has something for each of its values."""
    if isinstance(template, list):
        for index, value in enumerate(template):
            yield from _choose_faults(definition, value, f"{place}.{index}")
    if not isinstance(template, dict):
        return
    if "choose" in template:
        named = [one.name for _, one in references_in(template["choose"]) if isinstance(one, Reference) and one.root == "params"]
        param = definition.params.get(named[0]) if named else None
        options = template.get("from")
        if param is None or param.kind != "choice" or not isinstance(options, dict) or set(template) != {"choose", "from"}:
            message = "`choose` names a parameter of the kind choice, `from` says what stands for each of its values."
            yield FieldError(place, message)
            return
        for missing in [value for value in param.choices if value not in options]:
            yield FieldError(f"{place}.from", f"Nothing is said for “{missing}”. Add it, or take it out of `choices`.")
    for name, value in template.items():
        yield from _choose_faults(definition, value, f"{place}.{name}")


def _cycle_faults(definition: Definition, names: list[str]) -> Iterator[FieldError]:
    try:
        order(definition)
    except CycleError as error:
        circle: list[str] = error.args[1]
        if set(circle) <= set(names):
            at = names.index(circle[0])
            message = f"These stages wait for each other: {' → '.join(circle)}. Break the circle."
            yield FieldError(f"definition.stages.{at}.name", message)


def _variants(definition: Definition) -> Iterator[dict[str, str]]:
    """The defaults, then each choice in turn."""
    yield {}
    for name, param in definition.params.items():
        for choice in param.choices:
            yield {name: choice}


def _stand_in(name: str, param: Param) -> Any:
    """What a parameter stands for while nobody has given it."""
    said = f"${{params.{name}}}"
    if param.kind == "model":
        return Slot("model", said=said, head=param.head)
    if param.kind == "dataset":
        return Slot("data set", said=said, rows=tuple(param.rows))
    if param.default is not None:
        return param.default
    return param.choices[0] if param.choices else ABSENT


def _value(name: str, param: Param, given: Any, project: Project) -> Any:
    """What stands for a parameter that was given. Raises Problem when it is missing, of another kind, or out of bounds."""
    if given is None:
        if param.optional:
            return ABSENT
        raise Invalid(f"{param.title} is missing. Choose it.")
    said = f"${{params.{name}}}"
    if param.kind == "model":
        return _model_value(param, given, said, project)
    if param.kind == "dataset":
        return _dataset_value(param, given, said, project)
    return _scalar(param, given)


def _model_value(param: Param, given: Any, said: str, project: Project) -> Slot:
    if not isinstance(given, str):
        raise Invalid(f"{param.title} is the id of a model, as mdl_….")
    found = model_ref(given, project=project)
    if found.kind is not param.head:
        raise Invalid(f"{found.name} is a {found.kind} model; {param.title} takes a {param.head} model. Choose another.")
    return Slot("model", said=said, value=given, head=ModelKind(found.kind))


def _dataset_value(param: Param, given: Any, said: str, project: Project) -> Slot:
    try:
        chosen = DraftDataset.model_validate(given)
    except ValueError as error:
        raise Invalid(f"{param.title} is a data-set version and a split: version_id, split and optionally limit.") from error
    found = version_ref(chosen.version_id, chosen.split, chosen.limit, project=project)
    if param.rows and found.kind not in param.rows:
        kinds = " or ".join(param.rows)
        raise Invalid(f"{found.name} holds rows of the kind {found.kind}; {param.title} takes {kinds}. Choose another.")
    return Slot("data set", said=said, value=chosen.model_dump(mode="json"), rows=(found.kind,))


def _scalar(param: Param, given: Any) -> Any:
    if param.kind == "boolean" and not isinstance(given, bool):
        raise Invalid(f"{param.title} is true or false.")
    if param.kind == "text" and not isinstance(given, str):
        raise Invalid(f"{param.title} is a text.")
    if param.kind == "choice" and given not in param.choices:
        raise Invalid(f"{param.title} is one of {', '.join(param.choices)}.")
    if param.kind in ("integer", "number"):
        number = int if param.kind == "integer" else (int, float)
        if isinstance(given, bool) or not isinstance(given, number):
            raise Invalid(f"{param.title} is a {'whole ' if param.kind == 'integer' else ''}number.")
        if param.minimum is not None and given < param.minimum:
            raise Invalid(f"{param.title} is {given}; the least is {param.minimum:g}. Raise it.")
        if param.maximum is not None and given > param.maximum:
            raise Invalid(f"{param.title} is {given}; the most is {param.maximum:g}. Lower it.")
    return given


def _stage_faults(definition: Definition, values: dict[str, Any], project: Project | None) -> Iterator[FieldError]:
    """Each stage's body with its references as slots, judged by its kind."""
    offered: dict[str, dict[str, Slot]] = {}
    places = {stage.name: index for index, stage in enumerate(definition.stages)}
    for name in order(definition):
        stage = definition.stage(name)
        faults: list[str] = []
        here = f"definition.stages.{places[name]}.{stage.kind}"

        def look_up(reference: Reference, faults: list[str] = faults) -> Any:
            if reference.root == "params":
                return values[reference.name]
            given = offered[reference.name]
            if reference.part not in given:
                faults.append(f"{reference.text}: {reference.name} gives {', '.join(given) or 'nothing'}, no {reference.part}.")
                return ABSENT
            slot = given[reference.part]
            return Slot(slot.what, said=reference.text, head=slot.head, rows=slot.rows)

        body = resolve(stage.body, look_up)
        kind = kind_of(stage.kind)
        offered[name] = kind.outputs(body)
        yield from [FieldError(here, message) for message in faults]
        if not faults:
            yield from [FieldError(f"{here}.{one.field}".rstrip("."), one.message) for one in kind.check(body, project)]
