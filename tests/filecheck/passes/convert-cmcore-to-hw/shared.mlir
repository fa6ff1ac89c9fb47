// Cores that are alike share a module, whatever they compute; delays are lines between them.

// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-split-matrices{stage=conv1 outputs=2},polyhedral-to-cmcore' -o %t.mlir
// RUN: cm-opt %t.mlir -p convert-cmcore-to-hw -o %t.hw.mlir && filecheck %s --input-file %t.hw.mlir
// RUN: cm-opt %t.mlir -p 'convert-cmcore-to-hw{hardware=%S/Inputs/slow.toml}' | filecheck %s --check-prefix=SLOW

// CHECK-LABEL: hw.module private @conv1_p0_control(
// CHECK-NOT: @conv1_p1_control
// CHECK-LABEL: hw.module @chip(
// CHECK: hw.instance "conv1_p0" @conv1_p0_control(
// CHECK: hw.instance "conv1_p1" @conv1_p0_control(

// A result takes 40 cycles, and an iteration 30: two events can be under way. A credit takes 3 cycles, of which the
// register of the counter is one.
// SLOW: hw.module private @delay_2(
// SLOW: hw.module private @delay_39_of_2(
// SLOW: hw.module private @delay_29_of_1(
// SLOW: hw.module private @conv2_control_pace(
// SLOW: hw.module private @conv2_control(
// SLOW: hw.instance "pace_line" @delay_29_of_1({{.*}}arrival: %fire: i1) -> (later: i1)
// SLOW-NEXT: hw.instance "pace" @conv2_control_pace({{.*}}arrival: %pace_line_later: i1, fire: %fire: i1) -> (ready: i1)
// SLOW-LABEL: hw.module @chip(
// SLOW: hw.instance "conv1_p0" @conv1_p0_control({{.*}}event0: %conv2_delay_2_later: i1)
// SLOW: hw.instance "conv2" @conv2_control({{.*}}event0: %conv1_p0_delay_39_of_2_later: i1, event1: %conv1_p1_delay_39_of_2_later: i1)
// SLOW: hw.instance "conv1_p0_delay_39_of_2" @delay_39_of_2({{.*}}arrival: %conv1_p0_fire: i1) -> (later: i1)

func.func @main(%a: tensor<1x10xf32>) -> tensor<1x6xf32> {
  %w1 = nn.parameter dense<[[[1.0, 2.0, 3.0]], [[3.0, 2.0, 1.0]]]> : tensor<2x1x3xf32>
  %w2 = nn.parameter dense<[[[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]]> : tensor<1x2x3xf32>
  %b = nn.conv %a, %w1 : (tensor<1x10xf32>, tensor<2x1x3xf32>) -> tensor<2x8xf32>
  %c = nn.conv %b, %w2 : (tensor<2x8xf32>, tensor<1x2x3xf32>) -> tensor<1x6xf32>
  func.return %c : tensor<1x6xf32>
}
