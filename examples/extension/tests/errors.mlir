// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @rank(%x: tensor<5x7xf32>) -> tensor<5x7xf32> {
  // expected-error @below {{'morphology.dilate' op the input must be of shape C×H×W, got [5, 7]}}
  %y = morphology.dilate %x : (tensor<5x7xf32>) -> tensor<5x7xf32>
  func.return %y : tensor<5x7xf32>
}

// -----

func.func @radius(%x: tensor<1x5x7xf32>) -> tensor<1x5x7xf32> {
  // expected-error @below {{'morphology.dilate' op `radius` must be >= 0, got -1}}
  %y = morphology.dilate %x {radius = -1} : (tensor<1x5x7xf32>) -> tensor<1x5x7xf32>
  func.return %y : tensor<1x5x7xf32>
}

// -----

func.func @even(%x: vector<2x3xf32>) {
  // expected-error @below {{'morphology.reduce_median' op there is no median of the elements of vector<2x3xf32>}}
  %y = morphology.reduce_median %x : vector<2x3xf32> -> vector<3xf32>
  func.return
}
