"""Problems for tests of the judge's pure parts."""

from __future__ import annotations

import torch


class FakeProblem:
    """A module and a generator, without a file."""

    def __init__(self, module, draw, names=("x",), plan=None) -> None:
        self.module = module.eval() if isinstance(module, torch.nn.Module) else _Wrapped(module).eval()
        self._draw, self.parameter_names = draw, list(names)

    def draw(self, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            args = self._draw()
        return (args if isinstance(args, tuple) else (args,)), {}


class _Wrapped(torch.nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


class FakeRunner:
    """Runs a Python callable as a worker would: state is `self`, a call may do anything to what it is given."""

    running: FakeRunner  # whose call it is

    def __init__(self, function, pass_params=False) -> None:
        self.function, self.pass_params = function, pass_params
        self.params, self.slots, self._before = {}, [], None
        self.calls, self._hoard = 0, []

    def set_params(self, params):
        for name, value in params.items():
            if name in self.params:
                self.params[name].copy_(value)
            else:
                self.params[name] = value.clone()
        self._pristine = {n: t.clone() for n, t in self.params.items()}

    def refresh(self):
        return None

    def set_slots(self, slots):
        self.slots = [[leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in s] for s in slots]
        self._sent = [[leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in s] for s in slots]

    def overwrite_slots(self, slots):
        for mine, sent, new in zip(self.slots, self._sent, slots, strict=True):
            for i, leaf in enumerate(new):
                if isinstance(leaf, torch.Tensor):
                    mine[i].copy_(leaf)
                    sent[i].copy_(leaf)

    def call(self, slot, *, poison=False, keep=False, hoard=False, timeout=60.0):
        from burnish.judge.trees import flatten_result

        self.calls += 1
        FakeRunner.running = self
        before, self._before = self._before, None
        args = list(self.slots[slot])
        try:
            with torch.no_grad():
                result = self.function(*args, self.params) if self.pass_params else self.function(*args)
        except Exception as e:
            return FakeOutcome(False, "crash", repr(e), [], None)
        self._older = before
        tensors, structure = flatten_result(result)
        self._before = tensors
        self._hoard = [*self._hoard, *tensors] if hoard else []
        outcome = FakeOutcome(True, "", "", [t.clone() for t in tensors], structure)
        outcome.addresses = [t.data_ptr() for t in tensors]
        return outcome

    def previous(self):
        return FakeOutcome(True, "", "", [t.clone() for t in self._older or []], None)

    def inputs_changed(self, slot):
        return any(
            isinstance(a, torch.Tensor) and not torch.equal(a, b)
            for a, b in zip(self.slots[slot], self._sent[slot], strict=True)
        )

    def params_changed(self):
        return any(not torch.equal(t, self._pristine[n]) for n, t in self.params.items())


class FakeOutcome:
    def __init__(self, ok, reason, message, tensors, structure) -> None:
        self.ok, self.reason, self.message, self.tensors, self.structure = ok, reason, message, tensors, structure
        self.peak_bytes, self.guard_broken = 0, False


class FakeWorker(FakeRunner):
    """A worker in this process: the reference, or a Python callable that the payload names."""

    functions = {}  # noqa: RUF012
    started = 0

    def __init__(self, form, **settings) -> None:
        super().__init__(None)
        self.form, self.settings, self.closed, self.frozen = form, settings, False, False
        FakeWorker.started += 1

    def load(self, payload, timeout=60.0):
        from burnish.problem import load_problem

        kind = payload["kind"]
        if kind == "model_new":
            self.function = self.functions[payload["file"]]
        elif kind == "plan":
            import json
            from pathlib import Path

            if not (Path(payload["dir"]) / "plan.json").exists():
                return FakeOutcome(False, "plan", "no plan", [], None)
            name = json.loads((Path(payload["dir"]) / "plan.json").read_text()).get("notes", {}).get("fake")
            self.function = self.functions[name] if name else self.functions["reference"]
        else:
            spec = payload["problem"]
            self._module = load_problem(
                spec["file"], spec["class"], spec["inputs_from"], spec["mode"], seed=spec["seed"]
            ).module
            self.function = self._module
        return FakeOutcome(True, "", "", [], None)

    def set_params(self, params):
        super().set_params(params)
        module = getattr(self, "_module", None)
        if module is not None:
            with torch.no_grad():
                for name, t in {**dict(module.named_parameters()), **dict(module.named_buffers())}.items():
                    t.copy_(params[name])

    def time(self, slots, calls, batch=1, flush=False, sample=frozenset(), vary=(), poke=(), timeout=60.0):
        import time

        assert not self.frozen
        seconds, outcomes, last = [], {}, None
        for n in range(calls):
            start = time.perf_counter()
            for b in range(batch):
                last = self.call(slots[(n * batch + b) % len(slots)])
                if not last.ok:
                    return seconds, {n: last}
            seconds.append(time.perf_counter() - start)
            if n in sample:
                outcomes[n] = last
        return seconds, outcomes

    def freeze(self):
        self.frozen = True

    def thaw(self):
        self.frozen = False

    def close(self):
        self.closed = True
