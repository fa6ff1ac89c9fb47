// RUN: cm-opt %s | filecheck %s --check-prefix=SYNTAX
// RUN: cm-opt %s -p morphology-merge-dilations | filecheck %s --check-prefix=MERGED
// RUN: cm-opt %s -p nn-to-polyhedral | filecheck %s --check-prefix=STAGES
// RUN: cm-opt %s -p morphology-to-cmcore -o /dev/null
// RUN: cm-run %s --random 0 -n 2 --check | filecheck %s --check-prefix=EQUAL

// SYNTAX: %a = morphology.dilate %x : (tensor<2x5x7xf32>)
// SYNTAX-NEXT: %b = morphology.dilate %a {radius = 2} :

// MERGED: func.func @main(%x: {{.+}} {
// MERGED-NEXT: %b = morphology.dilate %x {radius = 3} :
// MERGED-NEXT: func.return %b

// The relation is that of a diamond.
// STAGES: polyhedral.stage @dilate1 (%h, %w)
// STAGES-NEXT: polyhedral.read @x {{.+}} and dw >= -1 + dh and dw > -dh and {{.+}} dw <= 3 - dh and dw <= 1 + dh and {{.+}} pad 0xff800000 : vector<3x3x2xf32>

// EQUAL: check: equal to NumPy in all 2 inferences

func.func @main(%x: tensor<2x5x7xf32>) -> tensor<2x5x7xf32> {
  %a = morphology.dilate %x : (tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %b = morphology.dilate %a {radius = 2} : (tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  func.return %b : tensor<2x5x7xf32>
}
