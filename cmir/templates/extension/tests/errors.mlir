// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @rank(%x: tensor<9xf32>) -> tensor<8xf32> {
  // expected-error @below {{'newname.running_max' op the input must be of shape C×L, got [9]}}
  %y = newname.running_max %x : (tensor<9xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}

// -----

func.func @width(%x: tensor<2x9xf32>) -> tensor<2x9xf32> {
  // expected-error @below {{'newname.running_max' op `width` must be one of 1 to 9, got 10}}
  %y = newname.running_max %x {width = 10} : (tensor<2x9xf32>) -> tensor<2x9xf32>
  func.return %y : tensor<2x9xf32>
}
