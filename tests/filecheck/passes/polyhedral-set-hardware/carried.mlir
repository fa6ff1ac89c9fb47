// RUN: cm-opt %s -p nn-to-polyhedral,polyhedral-set-hardware{hardware=%S/Inputs/small.toml} -o %t.mlir
// RUN: filecheck %s --check-prefix=SET < %t.mlir
// RUN: cm-opt %t.mlir | filecheck %s --check-prefix=SET
// RUN: cm-opt %t.mlir -p polyhedral-split-matrices,polyhedral-split-buffers,polyhedral-replicate,polyhedral-assign-storage,polyhedral-to-cmcore,cmcore-place-cores 2>&1 | filecheck %s
// RUN: cm-opt %t.mlir -p 'polyhedral-split-matrices{rows=9 columns=2}' | filecheck %s --check-prefix=BY-HAND
// RUN: not cm-opt %t.mlir -p 'polyhedral-split-matrices{rows=9}' 2>&1 | filecheck %s --check-prefix=HALF
// RUN: cm-opt %t.mlir -p 'polyhedral-split-matrices{hardware=ideal}' | filecheck %s --check-prefix=GIVEN

// Passes take the machine that the pipeline carries, and the network carries it on.

// SET: polyhedral.pipeline @main (@x) -> (@{{[a-z0-9]+}}) attributes {cmir.hardware = {name = "small", crossbar = {rows = 4 : i64, columns = 2 : i64}, core = {count = 8 : i64, crossbars = 1 : i64, sram_bytes = 4000 : i64}, network = {topology = "mesh", shape = [3 : i64, 3 : i64]}}} {

// CHECK: remark: the 4×4 matrix of @conv1 is split into 2 by outputs
// CHECK: remark: 4 of 8 cores; the busiest works 2 cycles on an inference, without copies 4
// CHECK: remark: buffers take 96 bytes of SRAM
// CHECK: remark: 4 cores on a mesh of 3×3
// CHECK: cmcore.network @main (@x) -> (@{{[a-z0-9]+}}) attributes {cmir.hardware = {name = "small",
// CHECK: cmcore.core @core3 runs @conv1[1, 1] at ({{[0-2]}}, {{[0-2]}})

// What options say comes before what the pipeline carries.

// BY-HAND: polyhedral.stage @conv1 [%o] (%h, %w)
// HALF: error: give the `hardware`, the `rows` and `columns` of a crossbar, or a `stage`
// GIVEN: polyhedral.stage @conv1 (

func.func @main(%x: tensor<1x3x3xf32>) -> tensor<4x2x2xf32> {
  %w = nn.parameter dense<1.0> : tensor<4x1x2x2xf32>
  %a = nn.conv %x, %w : (tensor<1x3x3xf32>, tensor<4x1x2x2xf32>) -> tensor<4x2x2xf32>
  func.return %a : tensor<4x2x2xf32>
}
