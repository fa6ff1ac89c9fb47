// RUN: cm-opt %s -p nn-to-cmcore,cmcore-set-hardware{hardware=%S/Inputs/machine.toml} -o %t.mlir
// RUN: filecheck %s < %t.mlir
// RUN: cm-opt %t.mlir | filecheck %s
// RUN: cm-run %t.mlir --random 0 | filecheck %s --check-prefix=EXECUTED
// RUN: cm-run %t.mlir --random 0 --hardware ideal | filecheck %s --check-prefix=IDEAL
// RUN: not cm-opt %s -p nn-to-cmcore,cmcore-set-hardware{hardware=%S/../../tools/Inputs/few-cores.toml} 2>&1 | filecheck %s --check-prefix=CORES
// RUN: not cm-opt %s -p nn-to-cmcore,cmcore-set-hardware{hardware=none} 2>&1 | filecheck %s --check-prefix=NONE

// CHECK: cmcore.network @main (@a) -> (@c) attributes {cmir.hardware = {name = "machine", core = {count = 3 : i64, sram_bytes = 64 : i64, fixed_interval = 2 : i64, fixed_latency = 4 : i64}, interconnect = {topology = "edges", edges = {{\[\[\[0 : i64\], \[1 : i64\]\], \[\[1 : i64\], \[2 : i64\]\], \[\[2 : i64\], \[0 : i64\]\]\]}}}, energy = {sram_byte = 1.000000e-01 : f64}}} {

// EXECUTED: 1 inference on 2 cores of 'machine'
// EXECUTED: cycles 22

// IDEAL: 1 inference on 2 cores of 'ideal'
// IDEAL: cycles 9

// CORES: hardware.mlir:{{[0-9]+}}:{{[0-9]+}}: error: the network needs 2 cores, 1 more than the 1 of 'few cores'
// NONE: error: hardware 'none' is neither a preset (

func.func @main(%a: tensor<1x10xf32>) -> tensor<1x6xf32> {
  %w1 = nn.parameter dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %w2 = nn.parameter dense<[[[1.0, 0.0, -1.0]]]> : tensor<1x1x3xf32>
  %b = nn.conv %a, %w1 : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %c = nn.conv %b, %w2 : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x6xf32>
  func.return %c : tensor<1x6xf32>
}
