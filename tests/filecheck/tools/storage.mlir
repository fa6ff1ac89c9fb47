// RUN: cm-run %s --random 0 -n 3 | filecheck %s --check-prefix=FULL
// RUN: cm-run %s --random 0 -n 3 --storage lossless 2>/dev/null | filecheck %s --check-prefix=LOSSLESS
// RUN: cm-run %s --random 0 -n 3 --storage live --check 2>/dev/null | filecheck %s --check-prefix=CHECK
// RUN: cm-run %s --buffer-curve --output-curve %t.csv | filecheck %s --check-prefix=CURVE
// RUN: filecheck %s --check-prefix=CSV < %t.csv
// RUN: not cm-run %s --random 0 --hardware %S/Inputs/small.toml --storage full 2>&1 | filecheck %s --check-prefix=SMALL
// RUN: cm-run %s --random 0 --check --hardware %S/Inputs/small.toml 2>/dev/null | filecheck %s --check-prefix=INPUT
// RUN: cm-opt %s -p nn-to-cmcore -o %t.cmcore.mlir
// RUN: not cm-run %t.cmcore.mlir --random 0 --storage live 2>&1 | filecheck %s --check-prefix=CMCORE
// RUN: cm-opt %s -p nn-to-polyhedral,polyhedral-derive-dependences -o %t.polyhedral.mlir
// RUN: not cm-run %t.polyhedral.mlir --buffer-curve 2>&1 | filecheck %s --check-prefix=DERIVED
// RUN: not cm-run %s --random 0 --buffer-curve 2>&1 | filecheck %s --check-prefix=INPUTS
// RUN: not cm-run %s --random 0 --output-curve %t.csv 2>&1 | filecheck %s --check-prefix=ALONE
// RUN: not cm-run %s --buffer-curve --storage live 2>&1 | filecheck %s --check-prefix=ALLSIZES

// FULL: cycles 786
// FULL: SRAM bytes 2048
// FULL: credit stalls SRAM bytes
// FULL-NEXT: conv1 768 768 97.7 % 0 0 1024
// FULL-NEXT: conv2 768 768 97.7 % 18 0 1024

// Three rows are as good as all.
// LOSSLESS: cycles 786
// LOSSLESS: SRAM bytes 1216
// LOSSLESS: conv2 768 768 97.7 % 18 0 192
// CHECK: check: equal to NumPy

// CURVE: SRAM bytes at least steady-state interval
// CURVE-NEXT: 1216 1216 256
// CSV: sram_bytes,sram_bound,steady_interval,fits,a at conv2
// CSV-NEXT: 1216,1216,256,1,3

// SMALL: error: the buffers of @conv1 take 1024 bytes, 1 more than the 1023 bytes of SRAM of a core of 'small' (the buffer of @x_sent 1024); 1 more core does not fit; rings of rows instead of whole arrays would take less: --storage lossless
// Inputs come row by row, and all buffers are rings, if the SRAM is limited.
// INPUT: SRAM bytes {{ *}}448
// INPUT: check: equal to NumPy
// CMCORE: .cmcore.mlir: error: --storage needs an ONNX model, or IR at the nn or polyhedral level without dependences; it is at the cmcore level already
// DERIVED: .polyhedral.mlir: error: --buffer-curve needs an ONNX model, or IR at the nn or polyhedral level without dependences; its dependences are derived already
// INPUTS: cm-run: error: --buffer-curve runs nothing: it takes no inputs
// ALONE: cm-run: error: --output-curve needs --buffer-curve
// ALLSIZES: cm-run: error: --buffer-curve tries all sizes of buffers: it takes no --storage

func.func @main(%x: tensor<1x16x16xf32>) -> tensor<1x16x16xf32> {
  %w = nn.parameter dense<1.0> : tensor<1x1x3x3xf32>
  %a = nn.conv %x, %w {pads = [1, 1, 1, 1]} : (tensor<1x16x16xf32>, tensor<1x1x3x3xf32>) -> tensor<1x16x16xf32>
  %b = nn.conv %a, %w {pads = [1, 1, 1, 1]} : (tensor<1x16x16xf32>, tensor<1x1x3x3xf32>) -> tensor<1x16x16xf32>
  func.return %b : tensor<1x16x16xf32>
}
