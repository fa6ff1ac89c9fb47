// RUN: not cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{shape=2 hardware="%S/../../tools/Inputs/small.toml"}' 2>&1 | filecheck %s

// CHECK: sram.mlir:{{[0-9]+}}:3: error: the buffers of @relu1 take 1024 bytes, 1 more than the 1023 bytes of SRAM of a core of 'small' (the buffer of @a 1024); inputs and parameters, which are kept whole, take 1024 of them; inputs can be streamed: polyhedral-stream-inputs
// CHECK-NOT: cmcore.core
func.func @main(%a: tensor<256xf32>) -> tensor<256xf32> {
  %b = nn.relu %a : (tensor<256xf32>) -> tensor<256xf32>
  func.return %b : tensor<256xf32>
}
