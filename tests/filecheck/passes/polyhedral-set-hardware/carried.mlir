// RUN: cm-opt %s -p nn-to-polyhedral,polyhedral-set-hardware{hardware=%S/Inputs/small.toml} -o %t.mlir
// RUN: filecheck %s --check-prefix=SET < %t.mlir
// RUN: cm-opt %t.mlir | filecheck %s --check-prefix=SET
// RUN: cm-opt %t.mlir -p polyhedral-split-matrices,polyhedral-split-buffers,polyhedral-replicate,polyhedral-assign-storage,polyhedral-to-cmcore,cmcore-place-cores 2>&1 | filecheck %s
// RUN: cm-opt %t.mlir -p 'polyhedral-split-matrices{rows=9 columns=2}' | filecheck %s --check-prefix=BY-HAND
// RUN: not cm-opt %t.mlir -p 'polyhedral-split-matrices{rows=9}' 2>&1 | filecheck %s --check-prefix=HALF
// RUN: cm-opt %t.mlir -p 'polyhedral-split-matrices{hardware=ideal}' | filecheck %s --check-prefix=GIVEN

// RUN: cm-run %t.mlir --random 0 --check --quiet | filecheck %s --check-prefix=RUN-IT
// RUN: cm-opt %t.mlir -p polyhedral-split-matrices,polyhedral-derive-dependences -o %t.derived.mlir
// RUN: cm-run %t.derived.mlir --random 0 --quiet | filecheck %s --check-prefix=LATE
// RUN: cm-run %t.derived.mlir --random 0 --quiet --storage full | filecheck %s --check-prefix=LATE
// RUN: not cm-run %t.derived.mlir --random 0 --storage live 2>&1 | filecheck %s --check-prefix=TOO-LATE
// RUN: cm-run %t.mlir --random 0 --quiet --hardware ideal | filecheck %s --check-prefix=IDEAL

// Passes take the machine that the pipeline carries, and the network carries it on.

// SET: polyhedral.pipeline @main (@x) -> (@{{[a-z0-9]+}}) attributes {cmir.hardware = {name = "small", crossbar = {rows = 4 : i64, columns = 2 : i64}, core = {count = 8 : i64, crossbars = 1 : i64, sram_bytes = 4000 : i64}, interconnect = {topology = "mesh", shape = [3 : i64, 3 : i64]}}} {

// CHECK: remark: the 4×4 matrix of @conv1 is split into 2 by outputs
// CHECK: remark: 6 of 8 cores in use; the busiest takes 2 cycles for an inference, 4 without copies
// CHECK: remark: buffers take {{[0-9]+}} bytes of SRAM
// CHECK: remark: 6 cores on a mesh of 3×3
// CHECK: cmcore.network @main (@x) -> (@{{[a-z0-9]+}}) attributes {cmir.hardware = {name = "small",
// CHECK: cmcore.core @core5 runs @conv2{{.*}} at ({{[0-2]}}, {{[0-2]}})

// cm-run maps the pipeline to that machine, as with --hardware, unless it is too late.

// RUN-IT: 1 inference on 3 cores of 'small'
// RUN-IT: energy of an inference
// RUN-IT: check: equal to NumPy
// LATE: 1 inference on 3 cores of 'small'
// TOO-LATE: error: --storage needs an ONNX model, or IR at the nn or polyhedral level without dependences
// IDEAL: 1 inference on 2 cores of 'ideal'

// What options say comes before what the pipeline carries.

// BY-HAND: polyhedral.stage @conv1 [%o] (%h, %w)
// HALF: error: give the `hardware`, the `rows` and `columns` of a crossbar, or a `stage`
// GIVEN: polyhedral.stage @conv1 (

func.func @main(%x: tensor<1x3x3xf32>) -> tensor<2x2x2xf32> {
  %w1 = nn.parameter dense<1.0> : tensor<4x1x2x2xf32>
  %w2 = nn.parameter dense<1.0> : tensor<2x4x1x1xf32>
  %a = nn.conv %x, %w1 : (tensor<1x3x3xf32>, tensor<4x1x2x2xf32>) -> tensor<4x2x2xf32>
  %b = nn.conv %a, %w2 : (tensor<4x2x2xf32>, tensor<2x4x1x1xf32>) -> tensor<2x2x2xf32>
  func.return %b : tensor<2x2x2xf32>
}
