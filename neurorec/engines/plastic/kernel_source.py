"""The kernel of a network as text: one loop over time, in the order defined in event_network."""

from pathlib import Path

from neurorec.engines.event_network import PoissonTrain, SpikeStream, SpikeTrain
from neurorec.engines.plastic.network_plan import NetworkPlan, PopulationPlan
from neurorec.engines.plastic.population_source import at_spikes, driven, move
from neurorec.engines.plastic.projection_source import arrive, learn, rewarded
from neurorec.engines.plastic.writing import Function


class Kernel:
    """Source text of `run`, and the names of the arrays it takes after (begin, end, dt).

    It runs steps `begin` to `end` - 1 and returns the next step to run: earlier than `end` if the buffers of
    recorded spikes might not hold another step.
    """

    def __init__(self, plan: NetworkPlan, recorded: tuple[str, ...]) -> None:
        self.plan, self.recorded = plan, recorded
        self.constants = tuple(plan.network.constants)
        self.functions: list[Function] = []
        self.arrays: dict[str, None] = {"constants": None, "random": None}
        body = [*self._begin_sample(), *self._fire(), *self._reset(), *self._learn(), *self._arrive(), *self._after()]
        lines = [
            "for t in range(begin, end):",
            *("    " + line for line in [*self._check_space(), *body]),
            "return end",
        ]
        head = f"def run({', '.join(('begin', 'end', 'dt', *self.arrays))}) -> int:"
        main = "\n".join([head, *("    " + line for line in lines), ""])
        runtime = (Path(__file__).parent / "runtime.py").read_text()
        self.text = "\n\n".join([runtime, *(f.text for f in self.functions), main])

    @property
    def recorded_keys(self) -> set[str]:
        return {self.plan.populations[name].key for name in self.recorded}

    def _array(self, name: str) -> str:
        self.arrays[name] = None
        return name

    def _use(self, function: Function | None, *arguments: str) -> str | None:
        """Add a generated function; returns the text that calls it."""
        if function is None:
            return None
        if all(function.name != known.name for known in self.functions):
            self.functions.append(function)
        for name in function.arrays:
            self._array(name)
        return f"{function.name}({', '.join((*arguments, 'constants', *function.arrays))})"

    def _check_space(self) -> list[str]:
        lines = []
        for key in sorted(self.recorded_keys):
            total, when, ring = (self._array(f"{key}_{part}") for part in ("total", "when", "ring"))
            lines += [f"if {total}[0] + {ring}.shape[1] > {when}.shape[0]:", "    return t"]
        return lines

    def _begin_sample(self) -> list[str]:
        if not self.plan.network.sample_steps:
            return []
        lines = []
        for plan in self.plan.projections.values():
            goals = f"{plan.key}_goals"
            if plan.projection.weight_sum is not None and plan.full:
                parts = [self._array(f"{plan.key}_{part}") for part in ("w", "factors")]
                lines.append(f"scale_matrix({', '.join(parts)}, {self._array(goals)}[0], {goals}[1])")
            elif plan.projection.weight_sum is not None:
                parts = [self._array(f"{plan.key}_{part}") for part in ("w", "in_start", "in_edge")]
                lines.append(f"scale_synapses({', '.join(parts)}, {self._array(goals)}[0], {goals}[1])")
        for plan in self.plan.populations.values():
            for k, name in enumerate(plan.population.at_sample):
                values, start = self._array(f"{plan.key}_v_{name}"), self._array(f"{plan.key}_at_sample")
                lines.append(f"fill({values}, {start}[{k}])")
                lines += [f"fill({self._array(f'{plan.key}_last_{name}')}, t - 1)"] if name in plan.lazy else []
        sample = self._array("sample")
        return [f"if t % {sample}[0] == 0:", *("    " + line for line in lines or ["pass"])]

    def _fire(self) -> list[str]:
        lines = []
        for plan in self.plan.populations.values():
            key = plan.key
            ring = self._array(f"{key}_ring")
            lines += [call] if (call := self._use(move(plan, self.constants), "t", "dt")) else []
            lines += [f"{key}_slot = t % {ring}.shape[0]", f"{key}_fired = {ring}[{key}_slot]"]
            lines += [
                f"{key}_count = {self._spikes(plan)}",
                f"{self._array(f'{key}_counts')}[{key}_slot] = {key}_count",
            ]
            total = self._array(f"{key}_total")
            if key in self.recorded_keys:
                buffers = ", ".join(self._array(f"{key}_{part}") for part in ("when", "who"))
                lines.append(f"append(t, {key}_fired, {key}_count, {buffers}, {total}[0])")
            lines.append(f"{total}[0] += {key}_count")
        return lines

    def _spikes(self, plan: PopulationPlan) -> str:
        key, fires = plan.key, plan.population.fires
        if isinstance(fires, SpikeTrain | SpikeStream):
            parts = [self._array(f"{key}_{part}") for part in ("steps", "neurons", "upcoming")]
            return f"replay(t, {', '.join(parts)}, {key}_fired)"
        if isinstance(fires, PoissonTrain):
            parts = [self._array(f"{key}_{part}") for part in ("chances", "top", "upcoming")]
            row = f"t // {self._array('sample')}[0] % {parts[0]}.shape[0]"
            return f"poisson(t, {row}, {parts[0]}, {parts[1]}, {parts[2]}, random, {key}_fired)"
        parts = [self._array(f"{key}_{part}") for part in ("hits", "fired_at")]
        return f"collect(t, {', '.join(parts)}, {key}_fired)"

    def _hooks(self, hook: str) -> list[str]:
        found = []
        for plan in self.plan.populations.values():
            function = at_spikes(plan, getattr(plan, hook), hook, self.constants)
            found.append(self._use(function, "t", f"{plan.key}_fired", f"{plan.key}_count"))
        return [line for line in found if line]

    def _reset(self) -> list[str]:
        return self._hooks("reset")

    def _learn(self) -> list[str]:
        found = [
            self._use(learn(plan, self.constants), "t", f"{plan.target.key}_fired", f"{plan.target.key}_count")
            for plan in self.plan.projections.values()
        ]
        return [line for line in found if line]

    def _arrive(self) -> list[str]:
        lines = [
            call
            for plan in self.plan.populations.values() for number in range(len(plan.population.drives))
            if (call := self._use(driven(plan, number, self.constants), "t", "random"))
        ]  # fmt: skip
        for plan in self.plan.projections.values():
            source, delays = plan.source.key, f"{plan.key}_delays"
            slot = f"{source}_then"
            call = self._use(
                arrive(plan, self.constants), "t", f"{source}_ring[{slot}]", f"{source}_counts[{slot}]", "delay"
            )
            if call:
                lines += [f"for delay in range({self._array(delays)}.shape[0]):"]
                lines += [f"    if t >= {delays}[delay]:"]
                lines += [f"        {slot} = (t - {delays}[delay]) % {source}_ring.shape[0]", f"        {call}"]
        return lines

    def _after(self) -> list[str]:
        lines = self._hooks("after")
        calls = [self._use(rewarded(plan, self.constants), "t", "reward") for plan in self.plan.projections.values()]
        if any(calls) and self.plan.network.reward is not None:
            steps, amounts, due = (self._array(f"reward_{part}") for part in ("steps", "amounts", "upcoming"))
            lines += [
                f"while {due}[0] < {steps}.shape[0] and {steps}[{due}[0]] == t:",
                f"    reward = {amounts}[{due}[0]]",
            ]
            lines += [f"    {call}" for call in calls if call]
            lines.append(f"    {due}[0] += 1")
        return lines
