// A network without programs was not refused before the run.
// RUN: not cm-run %s --timing-only 2>&1 | filecheck %s

// CHECK: network-without-program.mlir:6:1: error: the network has no program to run

cmcore.network @main () -> () {}
