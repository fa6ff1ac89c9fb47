// RUN: cm-opt %s | filecheck %s --check-prefix=SYNTAX
// RUN: cm-opt %s --nn-to-polyhedral | filecheck %s --check-prefix=STAGES
// RUN: cm-opt %s --nn-to-cmcore -o /dev/null
// RUN: cm-run %s --random 0 -n 3 --check --verify --schedules 2 | filecheck %s --check-prefix=EQUAL

// SYNTAX: %y = newname.running_max %x : (tensor<2x9xf32>) -> tensor<2x8xf32>
// SYNTAX-NEXT: %z = newname.running_max %y {width = 3} :

// STAGES: polyhedral.stage @running_max1 (%w)
// STAGES-NEXT: polyhedral.read @x {{.+}} lane[k, c]] -> x[c, w + k] {{.+}} : vector<2x2xf32>
// STAGES-NEXT: cmcore.reduce maximumf

// EQUAL: values equal over 8 random interpretations
// EQUAL: schedules: 2 random and adversarial, no violation
// EQUAL: check: equal to NumPy in all 3 inferences

func.func @main(%x: tensor<2x9xf32>) -> tensor<2x6xf32> {
  %y = newname.running_max %x : (tensor<2x9xf32>) -> tensor<2x8xf32>
  %z = newname.running_max %y {width = 3} : (tensor<2x8xf32>) -> tensor<2x6xf32>
  func.return %z : tensor<2x6xf32>
}
