// RUN: cm-opt %s -p "nn-to-polyhedral,polyhedral-assign-storage{sizes=live},polyhedral-to-cmcore,cmcore-verify-values" --pass-statistics -o /dev/null 2>&1 | filecheck %s

// CHECK: ... Pass statistics report ...
// CHECK: {{^}}nn-to-polyhedral
// CHECK-NEXT: {{^}}  nn-fold-batch-norm
// CHECK-NEXT: (S) 5 operations before
// CHECK-NEXT: (S) 5 operations after
// CHECK-NEXT: (S) 0 normalisations folded
// CHECK-NEXT: (S) 0 normalisations left
// CHECK: {{^}}  nn-outline-stages
// CHECK: (S) 2 stages
// CHECK-NEXT: (S) 1 operators fused
// CHECK: {{^}}  convert-nn-to-polyhedral
// CHECK: (S) 2 stages
// CHECK-NEXT: (S) 3 arrays
// A buffer of 3 of 8 rows.
// CHECK: {{^}}polyhedral-assign-storage
// CHECK: (S) 1 buffers assigned
// CHECK-NEXT: (S) 5 rows saved
// CHECK-NEXT: (S) 160 bytes saved
// CHECK: polyhedral-derive-dependences
// CHECK: (S) 1 raw dependences
// CHECK-NEXT: (S) 1 war dependences
// CHECK: polyhedral-generate-loops
// CHECK: (S) 2 loop nests of stages
// CHECK-NEXT: (S) 2 automata
// CHECK: convert-polyhedral-to-cmcore
// CHECK: (S) 2 programs
// CHECK-NEXT: (S) 2 cores
// CHECK: cmcore-verify-control
// CHECK: (S) 1 networks proved
// CHECK-NEXT: (S) {{[0-9]+}} points compared
// CHECK: {{^}}cmcore-verify-values
// CHECK: (S) 8 interpretations
// CHECK-NEXT: (S) 1 networks proved

func.func @main(%x: tensor<1x8x8xf32>) -> tensor<1x6x6xf32> {
  %y = nn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} : (tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
  %z = nn.max_pool %y {kernel = [3, 3]} : (tensor<1x8x8xf32>) -> tensor<1x6x6xf32>
  %r = nn.relu %z : (tensor<1x6x6xf32>) -> tensor<1x6x6xf32>
  func.return %r : tensor<1x6x6xf32>
}
