// RUN: not cm-run %s --random 0 --hardware %S/Inputs/few-cores.toml 2>&1 | filecheck %s --check-prefix=CORES
// RUN: not cm-opt %s -p 'nn-to-cmcore,cmcore-set-hardware{hardware="%S/Inputs/few-crossbars.toml"}' 2>&1 | filecheck %s --check-prefix=CROSSBARS
// RUN: not cm-run %s --random 0 --hardware %S/Inputs/few-crossbars.toml 2>&1 | filecheck %s --check-prefix=SPLIT
// RUN: not cm-run --random 0 2>&1 | filecheck %s --check-prefix=NOTHING

// CORES: capacity.mlir:{{[0-9]+}}:{{[0-9]+}}: error: the network needs 3 cores, 2 more than the 1 of 'few cores'; several chips are

// CROSSBARS: capacity.mlir:{{[0-9]+}}:{{[0-9]+}}: error: program @conv2 needs 12 crossbars, 10 more than the 2 of a core of 'few crossbars' (its matrix of 18 inputs and 4 outputs, on crossbars of 8 x 2 with 2 cells a weight); 1 more program does not fit; a matrix can be split over cores: polyhedral-split-matrices

// SPLIT: capacity.mlir:{{[0-9]+}}:{{[0-9]+}}: error: an output with the 9 inputs of a channel of the matrix of @conv1 does not fit the 2 crossbars of a core

// NOTHING: cm-run: error: no model: give an ONNX file or IR

func.func @main(%x: tensor<1x4x4xf32>) -> tensor<2x4x4xf32> {
  %w1 = nn.parameter dense<1.0> : tensor<2x1x3x3xf32>
  %w2 = nn.parameter dense<1.0> : tensor<4x2x3x3xf32>
  %w3 = nn.parameter dense<1.0> : tensor<2x4x1x1xf32>
  %a = nn.conv %x, %w1 {pads = [1, 1, 1, 1]} : (tensor<1x4x4xf32>, tensor<2x1x3x3xf32>) -> tensor<2x4x4xf32>
  %b = nn.conv %a, %w2 {pads = [1, 1, 1, 1]} : (tensor<2x4x4xf32>, tensor<4x2x3x3xf32>) -> tensor<4x4x4xf32>
  %c = nn.conv %b, %w3 : (tensor<4x4x4xf32>, tensor<2x4x1x1xf32>) -> tensor<2x4x4xf32>
  func.return %c : tensor<2x4x4xf32>
}
