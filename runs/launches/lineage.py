"""Where things come from and what became of them: labels, data, rewards, runs, models, evaluations, as one graph.

Everything is read from what was frozen: the specs of runs, the sources of data-set versions, the runs of models.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from django.db.models import Q
from django.db.models.fields.json import KT

from runs.accounts.models import Project
from runs.datasets.models import DatasetVersion
from runs.launches.models import Artifact, Checkpoint, Run
from runs.library.models import LibraryModel
from runs.rewards.models import RewardVersion

MOST_NODES = 200
NodeKind = Literal["label", "data", "reward", "run", "model", "checkpoint", "evaluation"]


@dataclass(frozen=True)
class Node:
    """One thing. `subject_id` is what a page opens; of a data-set version its data set's, with `number`."""

    id: str
    kind: NodeKind
    name: str
    state: str = ""
    subject_id: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Edge:
    """`source` went into `target`, in the role that `role` names."""

    source: str
    target: str
    role: str = ""


@dataclass
class Lineage:
    """`cut` when there was more than one answer holds."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    cut: bool = False


def lineage_of(project: Project, start: str) -> Lineage:
    """The graph around a run, model, checkpoint or data-set version: all it came from, and all that came from it.

    Each direction is followed by itself, so that siblings which only share an ancestor stay out.
    """
    reader = _Reader(project)
    found = Lineage()
    for onwards in (False, True):
        waiting, seen = deque([start]), {start}
        while waiting:
            here = waiting.popleft()
            if node := reader.node(here):
                found.nodes[node.id] = node
            edges = reader.after(here) if onwards else reader.before(here)
            for edge in edges:
                beyond = edge.target if onwards else edge.source
                if beyond not in found.nodes and len(seen) >= MOST_NODES:
                    found.cut = True
                    continue
                found.edges[edge] = None
                if beyond not in seen:
                    seen.add(beyond)
                    waiting.append(beyond)
    found.edges = {edge: None for edge in found.edges if edge.source in found.nodes and edge.target in found.nodes}
    return found


def lineage_document(lineage: Lineage) -> dict[str, Any]:
    """As the API says it."""
    return {"nodes": [asdict(node) for node in lineage.nodes.values()], "edges": [asdict(edge) for edge in lineage.edges],
            "cut": lineage.cut}


@dataclass(frozen=True)
class _Campaign:
    """A campaign as its labels' versions tell of it: annotation is a room above this one. `drawn_from` are runs and versions."""

    name: str
    drawn_from: tuple[str, ...]


class _Reader:
    """The edges and names of one project; what runs took is read once, in parts of their specs, and kept by both ends."""

    def __init__(self, project: Project) -> None:
        self.project = project
        rows = Run.objects.filter(project=project).annotate(version=KT("spec__reward__version_id"))
        self.runs: dict[str, dict[str, Any]] = {
            str(row["id"]): dict(row) for row in rows.values(
                "id", "name", "kind", "state", "method", "final_model_id", "version", "spec__models", "spec__datasets",
                "spec__reward__terms")
        }
        self.into: defaultdict[str, list[Edge]] = defaultdict(list)
        self.out_of: defaultdict[str, list[Edge]] = defaultdict(list)
        for run in self.runs:
            for edge in self._inputs(run):
                self.into[edge.target].append(edge)
                self.out_of[edge.source].append(edge)
        labelled = DatasetVersion.objects.filter(project=project, source__has_key="campaign_id").order_by("created_at")
        self.campaigns = {
            str(source["campaign_id"]): _Campaign(str(source.get("campaign", "Annotation campaign")),
                                                  tuple(map(str, source.get("drawn_from", ()))))
            for source in labelled.values_list("source", flat=True)
        }

    def before(self, node: str) -> list[Edge]:
        if node in self.runs or node.startswith("rwv_"):
            return self.into.get(node, [])
        if node.startswith("cmp_"):
            return [Edge(source, node) for source in self.campaigns[node].drawn_from] if node in self.campaigns else []
        if node.startswith("mdl_"):
            model = LibraryModel.objects.filter(project=self.project, id=node).first()
            if model is None:
                return []
            made = [Edge(model.run_id, node)] if model.run_id else []
            return made + ([Edge(model.merged_from, node, "merged")] if model.merged_from else [])
        if node.startswith("ckp_"):
            run_id = Checkpoint.objects.filter(id=node, run__project=self.project).values_list("run_id", flat=True).first()
            return [Edge(run_id, node)] if run_id else []
        version = DatasetVersion.objects.filter(project=self.project, id=node).first()
        return _origins(version) if version else []

    def after(self, node: str) -> list[Edge]:
        edges = list(self.out_of.get(node, []))
        if node in self.runs:
            models = LibraryModel.objects.filter(project=self.project, run_id=node, deleted_at=None).values_list("id", flat=True)
            edges += [Edge(node, model) for model in models]
            used = [source for source in self.out_of if source.startswith("ckp_")]
            own = Checkpoint.objects.filter(run_id=node, id__in=used).values_list("id", flat=True)
            edges += [Edge(node, checkpoint) for checkpoint in own]
            reports = Artifact.objects.filter(run_id=node, kind__in=("evaluation", "reward_report")).values_list("id", flat=True)
            edges += [Edge(node, report, "report") for report in reports]
        if node.startswith("mdl_"):
            merged = LibraryModel.objects.filter(project=self.project, merged_from=node, deleted_at=None)
            edges += [Edge(node, model, "merged") for model in merged.values_list("id", flat=True)]
        edges += [Edge(node, campaign) for campaign, told in self.campaigns.items() if node in told.drawn_from]
        return edges + self._data_from(node)

    def node(self, node: str) -> Node | None:
        """What is called `node`; None when the project has it no more."""
        if node in self.runs:
            run = self.runs[node]
            kind: NodeKind = "evaluation" if run["kind"] in ("evaluate", "score") else "run"
            return Node(node, kind, run["name"], run["state"], node)
        read = self._READERS.get(node.partition("_")[0].partition(":")[0])
        return read(self, node) if read else None

    def _model(self, node: str) -> Node | None:
        model = LibraryModel.objects.filter(project=self.project, id=node).first()
        return Node(node, "model", model.name, model.state, node) if model else None

    def _checkpoint(self, node: str) -> Node | None:
        checkpoint = Checkpoint.objects.filter(id=node, run__project=self.project).first()
        return Node(node, "checkpoint", f"step {checkpoint.step}", subject_id=checkpoint.run_id) if checkpoint else None

    def _report(self, node: str) -> Node | None:
        report = Artifact.objects.filter(id=node, run__project=self.project).first()
        return Node(node, "evaluation", report.kind.replace("_", " "), subject_id=report.run_id) if report else None

    def _data(self, node: str) -> Node | None:
        version = DatasetVersion.objects.filter(project=self.project, id=node).select_related("dataset").first()
        if version is None:
            return None
        name = f"{version.dataset.name} v{version.number}"
        return Node(node, "data", name, version.state, version.dataset_id, version.number)

    def _reward(self, node: str) -> Node | None:
        version = RewardVersion.objects.filter(project=self.project, id=node).select_related("reward").first()
        if version is None:
            return None
        name = f"{version.reward.name} v{version.number}"
        return Node(node, "reward", name, subject_id=version.reward_id, number=version.number)

    def _label(self, node: str) -> Node:
        known = self.campaigns.get(node)
        name = "Votes of the playground" if node == "label:playground" else known.name if known else "Annotation campaign"
        return Node(node, "label", name, subject_id=node)

    _READERS: ClassVar[dict[str, Callable[[Any, str], Node | None]]] = {
        "mdl": _model, "ckp": _checkpoint, "art": _report, "dsv": _data, "rwv": _reward, "cmp": _label, "label": _label,
    }

    def _inputs(self, run_id: str) -> list[Edge]:
        """What a run took: models, data, the reward, and the models that the reward's terms ask: they went into its version."""
        run = self.runs[run_id]
        models = [Edge(ref["model_id"], run_id, role) for role, ref in (run["spec__models"] or {}).items() if ref.get("model_id")]
        data = [Edge(ref["version_id"], run_id, role)
                for role, ref in (run["spec__datasets"] or {}).items() if ref.get("version_id")]
        terms = run["spec__reward__terms"] or []
        version = run["version"]
        asked = [Edge(term["model_id"], version or run_id, f"reward {term['name']}") for term in terms if term.get("model_id")]
        return models + data + asked + ([Edge(version, run_id, "reward")] if version else [])

    def _data_from(self, node: str) -> list[Edge]:
        """Versions whose rows came out of `node`."""
        if not node.startswith(("run_", "cmp_", "label:")):
            return []
        versions = DatasetVersion.objects.filter(project=self.project).filter(
            Q(source__run_id=node) | Q(source__campaign_id=node) | Q(source__has_key="playground_votes"))
        return [edge for version in versions for edge in _origins(version) if edge.source == node]


def _origins(version: DatasetVersion) -> list[Edge]:
    source = version.source or {}
    found = [Edge(str(source[key]), version.id) for key in ("run_id", "campaign_id") if source.get(key)]
    return found + ([Edge("label:playground", version.id)] if "playground_votes" in source else [])
