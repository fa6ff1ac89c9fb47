// RUN: cm-reduce %s -p convert-nn-to-polyhedral | filecheck %s --check-prefix=ONE
// RUN: cm-reduce %s -p convert-nn-to-polyhedral --error 'nn.max_pool is not part' | filecheck %s --check-prefix=TEXT
// RUN: cm-reduce %s --test 'grep -q nn.relu' 2>&1 | filecheck %s --check-prefix=TEST
// RUN: not cm-reduce %s -p nn-to-polyhedral 2>&1 | filecheck %s --check-prefix=FINE
// RUN: not cm-reduce %s 2>&1 | filecheck %s --check-prefix=NEITHER
// RUN: not cm-reduce %s --test true -p cse 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: cm-reduce --version | filecheck %s --check-prefix=VERSION

// ONE: func.func @main
// ONE-NEXT: nn.{{max_pool|relu}}
// ONE-NEXT: func.return
// ONE: pipeline: "builtin.module(convert-nn-to-polyhedral)"

// Extents become as small as the operator allows.
// TEXT: func.func @main(%x: tensor<1x1x3xf32>)
// TEXT-NEXT: nn.max_pool %x
// TEXT-NEXT: func.return
// TEXT-NEXT: }
// TEXT-NEXT: }

// TEST: cm-reduce: 4 operations reduced to 3, in {{[0-9]+}} tests
// TEST: func.func @main(%y: tensor<1x1x1xf32>) -> tensor<1x1x1xf32> {
// TEST-NEXT: nn.relu %y
// TEST-NEXT: func.return

// FINE: reduce.mlir: error: it does not fail: there is nothing to reduce
// NEITHER: reduce.mlir: error: it is no reproducer: give the passes that fail (-p), or a test (--test)
// BOTH: cm-reduce: error: --test excludes --passes and --error
// VERSION: {{^}}cm-reduce {{[0-9]+}}

func.func @main(%x: tensor<3x8x10xf32>) -> tensor<3x8x8xf32> {
  %y = nn.max_pool %x {kernel = [1, 3]} : (tensor<3x8x10xf32>) -> tensor<3x8x8xf32>
  %z = nn.relu %y : (tensor<3x8x8xf32>) -> tensor<3x8x8xf32>
  func.return %z : tensor<3x8x8xf32>
}
