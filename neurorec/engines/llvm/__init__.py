"""From LLVM modules to machine code, for every engine that writes its own; llvmlite loads when something is compiled.

processor.py     what the processor offers, or what NUMBA_CPU_NAME names instead
machine_code.py  modules to addresses of functions
"""
