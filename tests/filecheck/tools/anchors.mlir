// RUN: cm-opt %s -p 'func.func(cse)' --print-ir-after=cse 2>&1 | filecheck %s
// RUN: cm-opt %s --pass-pipeline 'builtin.module(any(canonicalize),builtin.module(func.func(cse)))' --dump-pass-pipeline 2>&1 | filecheck %s --check-prefix=NESTED
// RUN: cm-opt %s -p 'func.func(nn-outline-stages,convert-nn-to-polyhedral),polyhedral-to-cmcore,cmcore-verify-values' -o /dev/null
// RUN: cm-opt %s -p 'cmcore.network(cse)' -o /dev/null 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: cm-opt %s -p 'func.func(cse,canonicalize),func.func(cse)' --time-passes -o /dev/null 2>&1 | filecheck %s --check-prefix=TIME

// The passes see one function at a time.
// CHECK: IR Dump After cse
// CHECK-NEXT: builtin.module {
// CHECK-NEXT: func.func @one
// CHECK-NEXT: nn.relu
// CHECK-NEXT: func.return
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK: IR Dump After cse
// CHECK-NEXT: builtin.module {
// CHECK-NEXT: func.func @two
// The order of functions stays.
// CHECK: builtin.module {
// CHECK-NEXT: func.func @one
// CHECK: func.func @two

// NESTED: builtin.module(any(canonicalize),builtin.module(func.func(cse)))
// NESTED-NEXT: anchors.mlir:{{[0-9]+}}:1: warning: `builtin.module(…)` did nothing: the module has no such operation

// NOTHING: warning: `cmcore.network(…)` did nothing: the module has no such operation

// TIME: %) func.func(…)
// TIME-NEXT: %) cse
// TIME-NEXT: %) canonicalize
// TIME-NEXT: %) Verifier

func.func @one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %z = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  func.return %z : tensor<4xf32>
}

func.func @two(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
