// RUN: cm-opt %s -p nn-to-polyhedral | filecheck %s --check-prefix=STAGE
// RUN: cm-run %s --random 0 -n 3 --check --verify --schedules 2 | filecheck %s --check-prefix=EQUAL
// RUN: cm-run %s --random 0 --hardware puma | filecheck %s --check-prefix=COST

// The body of the stage has an operation of this package, which the compiler runs, proves and prices like its own.

// STAGE: polyhedral.stage @median1 (%h, %w)
// STAGE-NEXT: %x = polyhedral.read @x {{.+}} : vector<3x3x2xf32>
// STAGE-NEXT: %y = morphology.reduce_median %x : vector<3x3x2xf32> -> vector<2xf32>

// EQUAL: values equal over 8 random interpretations
// EQUAL: schedules: 2 random and adversarial, no violation
// EQUAL: check: equal to NumPy in all 3 inferences

// Each of the 35 iterations takes 9 · 8 · 2 elements, 5 cycles of a vector unit with 32 lanes.
// COST: median1 35 175

func.func @main(%x: tensor<2x5x7xf32>) -> tensor<2x5x7xf32> {
  %y = morphology.median %x : (tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  func.return %y : tensor<2x5x7xf32>
}
