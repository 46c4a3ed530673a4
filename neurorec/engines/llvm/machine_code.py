"""Compiles LLVM modules to machine code in the running process: it takes milliseconds, needs no compiler on the machine and
stores nothing on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from neurorec.engines.llvm.processor import processor


@dataclass(frozen=True)
class MachineCode:
    """Compiled code, which lives as long as this object."""

    addresses: Mapping[str, int]  #: of the functions, by name
    owner: Any


def machine_code(module: Any, *functions: str) -> MachineCode:
    """`module` (llvmlite.ir) compiled for the processor, with the addresses of its `functions`."""
    from llvmlite import binding

    _start_llvm()
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=processor().cpu, features=processor().features, opt=3
    )
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    passes = binding.create_pass_builder(target, options)
    passes.getModulePassManager().run(parsed, passes)
    engine = binding.create_mcjit_compiler(parsed, target)
    engine.finalize_object()
    return MachineCode({name: engine.get_function_address(name) for name in functions}, engine)


def llvm_function(module: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """The LLVM intrinsic `name`, declared in the module at its first use."""
    from llvmlite import ir

    if name not in module.globals:
        ir.Function(module, ir.FunctionType(result, arguments), name)
    return module.globals[name]


@cache
def _start_llvm() -> None:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
