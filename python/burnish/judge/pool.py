"""The secret pool: inputs of a run, eager's outputs on them, and the yardsticks. Made once, shared by its
candidates."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from burnish.judge.calibrate import calibrate, first_look, look_closer
from burnish.judge.inputs import schedule, seed_of, vary
from burnish.judge.kinds import GENERATED, KINDS, NORMAL, SIGNS, Kind, within
from burnish.judge.numerics import measure, real
from burnish.judge.options import FEWEST_INPUTS, Options
from burnish.judge.perturb import Parameters
from burnish.judge.spill import folder_on_disk, spill
from burnish.judge.structure import Structure, describe, impose, observe
from burnish.judge.trees import flatten_call, flatten_result, forward_names, names_of, sharing, unflatten_call
from burnish.judge.yardstick import Pooled, Reference

OBSERVED = 4  # draws from which structure is read
CALIBRATED = 8  # inputs with a float64 reference, at least
LARGE_PARTS = ("eager", "exact", "valid", "nan", "infinite")  # of a Reference
FIRST_SETS = (0, 0, 0, 0, 0, 0, 1, 1, 2, 0)  # parameter sets of the first ten inputs


class _Mark:
    """Stands for a leaf while its place is looked up."""

    def __init__(self, number: int) -> None:
        self.number = number


class BadInputs(Exception):
    """The problem cannot be judged on its own inputs; the text says why."""


@dataclass
class Item:
    """One input of the pool."""

    index: int
    kind: Kind
    parameters: int  # number of the parameter set
    seed: int
    leaves: list
    outputs: list[Reference]
    structure: object
    calibrated: int = 0  # draws of moved inputs behind the calibration; 0: none
    notes: list[str] = field(default_factory=list)

    spilled: bool = False  # lies in a file

    @property
    def bytes(self) -> int:
        held = [leaf for leaf in self.leaves if isinstance(leaf, torch.Tensor)]
        for r in self.outputs:
            held += [t for t in (r.eager, r.exact, r.valid) if t is not None]
        return sum(t.numel() * t.element_size() for t in held)

    def spill(self, folder: Path) -> bool:
        """Puts its tensors into a file; False where there is no room for them."""
        parts = [[getattr(r, name) for name in LARGE_PARTS] for r in self.outputs]
        kept = spill([*self.leaves, *(t for row in parts for t in row)], folder)
        if kept is None:
            return False
        self.leaves, rest = kept[: len(self.leaves)], iter(kept[len(self.leaves) :])
        for r in self.outputs:
            for name in LARGE_PARTS:
                setattr(r, name, next(rest))
        self.spilled = True
        return True


def parameter_set(index: int) -> int:
    """Which set of parameter values input number `index` is judged under: most under the module's own."""
    block = index // 10
    if block == 0:
        return FIRST_SETS[index]
    return block + 2 if block % 3 == 1 else 0


class Pool:
    """`problem` has .module and .draw(seed) -> (args, kwargs), and .parameters (forward's parameter names) if it
    knows them."""

    def __init__(
        self, problem, options: Options, secret: bytes, memory_bytes: int = 2 << 30, scratch: Path | None = None
    ) -> None:
        self.problem, self.options, self.secret = problem, options, secret
        self.module: torch.nn.Module = problem.module
        # Where the module runs; inputs and outputs are kept on the CPU.
        self.device: torch.device = getattr(problem, "device", torch.device("cpu"))
        self.parameters = Parameters(self.module, lambda n: seed_of(secret, "parameters", n))
        self.notes: list[str] = []
        self.eager_seconds = 0.0
        self.shared: set[tuple[int, int]] | None = None  # outputs of eager that share memory
        self.wide_fails = ""  # why there is no float64 reference
        self.pooled: dict[tuple[str, int], Pooled] = {}
        self._memory = memory_bytes
        self._files = folder_on_disk(scratch) if scratch else None  # for items that memory has no room for
        self._items: OrderedDict[int, Item] = OrderedDict()
        self._spec: object = None
        self._places: dict[str, Any] | None = None
        self.names: list[str] = []
        self.structures: list[Structure] = []
        self._observe()
        self._kinds = [k for k in KINDS if within(k, options.contract)]
        if all(s.fixed for s in self.structures):
            self._kinds = [GENERATED]
        self._learn_signs()
        self._schedule = schedule(10_000, self._order(self._kinds))
        self.dropped: dict[str, str] = {}
        self.planned = self._plan_calibrations(max(FEWEST_INPUTS, options.inputs))

    # -- drawing -------------------------------------------------------------------------------------------------------
    @staticmethod
    def _order(kinds: list[Kind]) -> list[Kind]:
        """What reveals most comes first: a small --inputs still has signs, the largest scale and scaled rows."""
        wanted = [
            "generated",
            "signs",
            "scaled 2^20",
            "rows scaled",
            "normal",
            "scaled 2^-20",
            "channels scaled",
            "scaled 2^10",
            "scaled 2^-10",
        ]
        return sorted(kinds, key=lambda k: wanted.index(k.name))

    def _draw(self, seed: int) -> list:
        args, kwargs = self.problem.draw(seed)
        leaves, self._spec = flatten_call(args, kwargs)
        if not self.names:
            self.names = names_of(args, kwargs, forward_names(self.module))
        return [leaf.detach().cpu() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]

    def _observe(self) -> None:
        draws = [self._draw(seed_of(self.secret, "observe", i)) for i in range(OBSERVED)]
        if not draws[0]:
            raise BadInputs("the generator gives no inputs")
        self.structures = observe(draws)
        for name, domain in self.options.domain.items():
            if name not in self.names:
                raise BadInputs(
                    f"--domain {name}={domain}: forward has no input of that name; it has {', '.join(self.names)}"
                )
            at = self.names.index(name)
            self.structures[at] = impose(self.structures[at], domain)
        self._sample = draws[0]

    def _learn_signs(self) -> None:
        """Non-negative inputs stay so where the module needs it: where eager raises or gives NaN on signed ones
        only."""
        suspects = [i for i, s in enumerate(self.structures) if s.nonnegative and not s.fixed and not s.keep_sign]
        if not suspects or SIGNS not in self._kinds:
            return
        base = self._count_nan(self._sample)
        if base is None:
            return

        def needs(only: list[int]) -> bool:
            varied = vary(self._sample, SIGNS, self.structures, seed_of(self.secret, "signs"))
            leaves = [varied[i] if i in only else leaf for i, leaf in enumerate(self._sample)]
            count = self._count_nan(leaves)
            return count is None or count > base

        if needs(suspects):
            alone = [i for i in suspects if len(suspects) == 1 or needs([i])] or suspects
            for i in alone:
                self.structures[i].keep_sign = True

    def _count_nan(self, leaves: list) -> int | None:
        """NaN in eager's outputs; None where it raises."""
        try:
            tensors, _ = self.eager(leaves)
        except Exception:  # the user's module: any exception is an answer
            return None
        return sum(int(torch.isnan(t).sum()) for t in tensors if t.is_floating_point() or t.is_complex())

    # -- the reference -------------------------------------------------------------------------------------------------
    def eager(self, leaves: list) -> tuple[list[torch.Tensor], object]:
        """The user's module on clones of the leaves, under no_grad: output tensors and the result's structure."""
        args, kwargs = self.call_of(leaves)
        with torch.no_grad():
            self._wait()
            start = time.perf_counter()
            result = self.module(*args, **kwargs)
            self._wait()
            self.last_seconds = time.perf_counter() - start
        tensors, structure = flatten_result(result)
        if self.shared is None:
            self.shared = set(sharing(tensors, [t.data_ptr() for t in tensors]))
        return [self.here(t) for t in tensors], structure

    @staticmethod
    def here(t: torch.Tensor) -> torch.Tensor:
        """A result of the module as the judge keeps it: a copy in host memory."""
        return t.detach().clone() if t.device.type == "cpu" else t.detach().cpu()

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def in_one_place(self, leaves: list) -> bool:
        """Whether the module returns the same memory call after call: a buffer, a parameter."""
        results = []
        with torch.no_grad():
            for _ in range(2):
                args, kwargs = self.call_of(leaves)
                results += flatten_result(self.module(*args, **kwargs))[0]
        return bool(sharing(results, [t.data_ptr() for t in results]))

    def call_of(self, leaves: list) -> tuple[tuple, dict]:
        copies = [
            (leaf.clone() if self.device.type == "cpu" else leaf.to(self.device))
            if isinstance(leaf, torch.Tensor)
            else leaf
            for leaf in leaves
        ]
        return unflatten_call(copies, self._spec)

    def slot(self, item: Item, order: list[str] | None = None) -> list:
        """The values that a worker gets for an input: the leaves of the call (a Python form puts them back by
        `spec`), or
        those at the plan's paths `order`. Raises KeyError for a path that forward does not have."""
        if order is None:
            return item.leaves
        return [
            item.leaves[at] if isinstance(at, int) else at.value for at in map(self._positions().__getitem__, order)
        ]

    def _positions(self) -> dict[str, Any]:
        """Path (and name) of an argument as a plan says it -> the number of its leaf, or the argument itself where it
        is
        a default of forward that no call gives."""
        if self._places is None:
            leaves = [_Mark(i) for i in range(len(self._sample))]
            args, kwargs = unflatten_call(leaves, self._spec)
            self._places = {}
            for leaf in self._named(args, kwargs):
                place = leaf.value.number if isinstance(leaf.value, _Mark) else leaf
                self._places |= {leaf.name: place, leaf.path: place}
        return self._places

    def _named(self, args: tuple, kwargs: dict) -> list:
        from burnish.inputs import flatten_inputs

        return flatten_inputs(self.module.forward, args, kwargs)

    def given(self, item: Item, tensors: list[torch.Tensor], order: list[str] | None = None) -> Item:
        """`item` with the tensors that a worker was really given (a timing varies them), and eager's answer to
        those."""
        leaves = list(item.leaves)
        if order is None:
            places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
        else:
            at = [self._positions()[path] for path in order]
            places = [p for p in at if isinstance(p, int) and isinstance(leaves[p], torch.Tensor)]
        for place, tensor in zip(places, tensors, strict=True):
            leaves[place] = tensor
        self.parameters.use(item.parameters)
        outputs, structure = self.eager(leaves)
        return Item(
            item.index,
            item.kind,
            item.parameters,
            item.seed,
            leaves,
            [first_look(t, item.kind) for t in outputs],
            structure,
        )

    def variable(self, order: list[str] | None = None, *, singly: bool = False) -> list[int]:
        """Numbers of the leaves, as a worker gets them, that a timing may scale by a factor between 1/2 and 1;
        `singly`: some of their elements by one of their own."""
        numbers = range(len(self.structures)) if order is None else [self._positions()[path] for path in order]
        return [
            n for n, at in enumerate(numbers) if isinstance(at, int) and self._may_scale(self.structures[at], singly)
        ]

    @staticmethod
    def _may_scale(s: Structure, singly: bool) -> bool:
        return s.scalable and s.pattern is None and not (singly and (s.symmetric or s.order))

    @property
    def spec(self) -> object:
        return self._spec

    def tensors(self) -> dict[str, torch.Tensor]:
        """Parameters and buffers by path, as they are now (tied ones under each of their paths)."""
        found = dict(self.module.named_parameters(remove_duplicate=False))
        return {k: t.detach() for k, t in {**found, **dict(self.module.named_buffers(remove_duplicate=False))}.items()}

    def kind_of(self, index: int) -> Kind:
        kind = self._schedule[index]
        return GENERATED if kind.name in self.dropped else kind

    def kinds(self) -> list[Kind]:
        return [k for k in self._kinds if k.name not in self.dropped]

    def _plan_calibrations(self, inputs: int) -> set[int]:
        seen: set[str] = set()
        planned = []
        for i, kind in enumerate(self._schedule[:inputs]):
            if kind.name not in seen:
                seen.add(kind.name)
                planned.append(i)
        more = [i for i in range(inputs) if i not in planned and self._schedule[i] is GENERATED]
        return {*planned, *more[: max(2, CALIBRATED - len(planned))]}

    def item(self, index: int) -> Item:
        """Input number `index`, with eager's outputs; calibrated where that is planned. Sets the module's
        parameters."""
        if index in self._items:
            self._items.move_to_end(index)
            return self._items[index]
        item = self._make(index)
        self._items[index] = item
        self._trim()
        return item

    def forget(self, indexes: range) -> None:
        """Frees these inputs and what is known of them; asked for again, they are made again, the same."""
        for index in [i for i in self._items if i in indexes]:
            del self._items[index]
        self.planned -= set(indexes)

    def _make(self, index: int) -> Item:
        seed = seed_of(self.secret, "input", index)
        number = parameter_set(index) if self.parameters else 0
        self.parameters.use(number)
        generated = self._draw(seed)
        for kind in dict.fromkeys((self.kind_of(index), GENERATED)):
            leaves = vary(generated, kind, self.structures, seed_of(self.secret, "vary", index))
            try:
                tensors, structure = self.eager(leaves)
            except Exception as e:  # the user's module
                if kind is GENERATED:
                    raise
                self._drop(kind, f"the module raises {type(e).__name__} on it")
                continue
            if kind is not GENERATED and not any(_says_something(t) for t in tensors):
                self._drop(kind, "the module gives no finite value on it")
                continue
            break
        self.eager_seconds = min(self.eager_seconds or self.last_seconds, self.last_seconds)
        item = Item(index, kind, number, seed, leaves, [first_look(t, kind) for t in tensors], structure)
        if index in self.planned:
            self.calibrate(item, draws=2)
        return item

    def _drop(self, kind: Kind, why: str) -> None:
        if kind.name not in self.dropped:
            self.dropped[kind.name] = why
            self.notes.append(f"kind of input '{kind.name}' left out: {why}")

    def calibrate(self, item: Item, draws: int) -> None:
        """Gives `item` its float64 reference, sensitivities and masks, and pools them. Again with more draws if
        asked."""
        if item.calibrated >= draws:
            return
        self.parameters.use(item.parameters)
        fresh = item.calibrated == 0
        calibrate(self, item, draws)
        item.calibrated, item.spilled = draws, False  # what is new of it lies in memory
        if fresh:
            for o, r in enumerate(item.outputs):
                self.pooled.setdefault((item.kind.name, o), Pooled()).add(r)
        self._trim()

    def look_closer(self, item: Item) -> None:
        """Steadies what is known of a calibrated item's change."""
        self.parameters.use(item.parameters)
        look_closer(self, item)

    def yardstick(self, item: Item, output: int) -> Pooled:
        return self.pooled.get((item.kind.name, output)) or self.pooled.get((GENERATED.name, output)) or Pooled()

    def _trim(self) -> None:
        """Memory is bounded: items without a calibration are drawn again when they are needed, the others, which took
        a float64 run and moved ones, go to files."""
        held = sum(i.bytes for i in self._items.values() if not i.spilled)
        for index in [i for i, item in self._items.items() if not item.calibrated][:-1]:
            if held <= self._memory:
                return
            held -= self._items.pop(index).bytes
        for item in [i for i in self._items.values() if i.calibrated and not i.spilled]:
            if held <= self._memory or self._files is None:
                return
            size = item.bytes
            if not item.spill(self._files):
                self.notes.append(f"no room for a file of {size >> 20} MB in {self._files}: inputs stay in memory")
                self._files = None
            held -= size

    # -- what the reference says of the problem ----------------------------------------------------------------------
    def constant(self) -> str | None:
        """`trivial` if the float64 output varies less than eager's own error over all kinds, `saturated` if it does so
        over generated inputs alone, else None. Reads the calibrated inputs under the module's own parameters."""
        items = [i for i in self._items.values() if i.calibrated and i.parameters == 0]
        if not self._varies(items):
            return "trivial" if len({i.kind.name for i in items}) > 1 or len(self._kinds) == 1 else None
        generated = [i for i in items if i.kind is GENERATED]
        return "saturated" if len(generated) > 1 and not self._varies(generated) else None

    def _varies(self, items: list[Item]) -> bool:
        if len(items) < 2:
            return True
        for outputs in zip(*(i.outputs for i in items), strict=True):
            first = outputs[0]
            for r in outputs[1:]:
                if r.eager.shape != first.eager.shape:
                    return True
                if not (r.eager.is_floating_point() or r.eager.is_complex()):
                    if not torch.equal(r.eager, first.eager):
                        return True
                    continue
                both = torch.isfinite(real(r.known)) & torch.isfinite(real(first.known))
                apart = measure(r.known, both, target=first.known, groups=False).rms
                own = max(m.rms for m in (r.error, first.error) if m) if r.error and first.error else 0.0
                if apart > max(own, 2.0**-24 * first.rms):
                    return True
        return False

    def eager_error(self) -> float | None:
        """Eager's own relative RMS error on generated inputs, the largest of its outputs."""
        found = [p.error for (kind, _), p in self.pooled.items() if kind == GENERATED.name and p.values]
        return max(found) if found and not self.wide_fails else None

    def describe(self) -> list[str]:
        kept = [describe(name, s) for name, s in zip(self.names, self.structures, strict=True)]
        wide = (
            [f"no float64 reference: {self.wide_fails}; the yardstick is eager's own change under one-ulp moves"]
            if self.wide_fails
            else []
        )
        return [note for note in [*kept, *self.notes, *wide] if note]


def _says_something(t: torch.Tensor) -> bool:
    if not (t.is_floating_point() or t.is_complex()) or t.numel() == 0:
        return True
    return bool(torch.isfinite(t).any())


__all__ = ["NORMAL", "BadInputs", "Item", "Pool", "parameter_set"]
