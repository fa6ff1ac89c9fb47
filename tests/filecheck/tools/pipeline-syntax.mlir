// RUN: cm-opt %s -p canonicalize | filecheck %s
// RUN: cm-opt %s -p 'canonicalize, cse' | filecheck %s
// RUN: cm-opt %s -p 'builtin.module(canonicalize)' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize,cse)' | filecheck %s
// RUN: cm-opt %s --pass-pipeline 'builtin.module( canonicalize , cse )' | filecheck %s
// RUN: cm-opt %s --pass-pipeline='builtin.module()' | filecheck %s --check-prefix=SAME-IR
// RUN: cm-opt %s -p '' | filecheck %s --check-prefix=SAME-IR
// RUN: cm-opt %s -p 'test-vectorize-matmul,canonicalize' | filecheck %s

// CHECK-LABEL: func.func @f
// CHECK-NEXT: func.return
// SAME-IR: arith.addi
func.func @f(%a: i32) {
  %dead = arith.addi %a, %a : i32
  func.return
}
