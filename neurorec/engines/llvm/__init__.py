"""Compiles LLVM modules to machine code, for all engines that generate code; llvmlite is loaded on first use.

processor.py     features of the processor, or of the one named by NUMBA_CPU_NAME
machine_code.py  from modules to addresses of functions
"""
