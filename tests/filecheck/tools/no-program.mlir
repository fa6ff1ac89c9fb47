// RUN: not cm-run %s --timing-only 2>&1 | filecheck %s

// CHECK: no-program.mlir:5:1: error: the network has no program to run

cmcore.network @main () -> () {}
