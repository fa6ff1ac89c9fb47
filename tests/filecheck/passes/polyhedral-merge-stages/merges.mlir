// RUN: cm-opt %s -p 'polyhedral-merge-stages{stages=A,B}' | filecheck %s
// RUN: cm-opt %s -p 'polyhedral-merge-stages{stages=A,B},polyhedral-to-cmcore' | filecheck %s --check-prefix=CMCORE
// RUN: cm-run %s --random 0 -n 3 --check --storage lossless 2>/dev/null | filecheck %s --check-prefix=APART
// RUN: not cm-opt %s -p 'polyhedral-merge-stages{stages=B,A}' 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: not cm-opt %s -p 'polyhedral-merge-stages{stages=A}' 2>&1 | filecheck %s --check-prefix=ONE
// RUN: not cm-opt %s -p 'polyhedral-merge-stages{stages=A,C}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not cm-opt %s -p 'polyhedral-replicate{stage=A copies=2},polyhedral-merge-stages{stages=A,B}' 2>&1 | filecheck %s --check-prefix=CORES
// RUN: not cm-opt %s -p 'polyhedral-assign-storage,polyhedral-merge-stages{stages=A,B}' 2>&1 | filecheck %s --check-prefix=STORAGE

// An iteration of B comes right after the last one of A that it reads from, and reads and writes nothing for A.

// CHECK: polyhedral.stage @A_B (%stage, %i) domain #polyhedral.set<"{ A_B[1, i1] : 0 <= i1 <= 2; A_B[0, i1] : 0 <= i1 <= 4 }">
// CHECK-SAME: schedule #polyhedral.map<"{ A_B[1, i1] -> [2 + i1, 1, i1] : 0 <= i1 <= 2; A_B[0, i1] -> [i1, 0, 0] : 0 <= i1 <= 4 }">
// CHECK-NEXT: polyhedral.read @a #polyhedral.map<"{ [A_B[0, i1] -> lane[]] -> a[i1] : 0 <= i1 <= 4 }"> : vector<f32>
// CHECK-NEXT: polyhedral.write %{{.*}}, @b #polyhedral.map<"{ [A_B[0, i1] -> lane[]] -> b[i1] : 0 <= i1 <= 4 }">
// CHECK-NEXT: polyhedral.read @b #polyhedral.map<"{ [A_B[1, i1] -> lane[k]] -> b[i1 + k] : 0 <= i1 <= 2 and 0 <= k <= 2 }">
// CHECK: polyhedral.write %{{.*}}, @c #polyhedral.map<"{ [A_B[1, i1] -> lane[]] -> c[i1] : 0 <= i1 <= 2 }">

// The core follows itself.
// CMCORE: cmcore.snoop %b from @A_B
// CMCORE: cmcore.credit @b from @A_B
// CMCORE: cmcore.core @core0 runs @A_B at (0)
// CMCORE-NOT: cmcore.core

// APART: on 2 cores
// APART: check: equal

// ORDER: error: stage @A reads nothing that @B computes: there is no order to merge them in
// ONE: error: `stages` must name two stages or more
// UNKNOWN: error: there is no stage @C
// CORES: error: stage @A is spread over cores: merge stages before spreading them
// STORAGE: error: storage of @B is already assigned: merge stages before assigning storage

polyhedral.pipeline @main (@a) -> (@c) {
  polyhedral.array @a : tensor<5xf32>
  polyhedral.array @b : tensor<5xf32>
  polyhedral.array @c : tensor<3xf32>
  polyhedral.stage @A (%i) domain #polyhedral.set<"{ A[i] : 0 <= i < 5 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [A[i] -> lane[]] -> a[i] : 0 <= i < 5 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [A[i] -> lane[]] -> b[i] : 0 <= i < 5 }"> : vector<f32>
  }
  polyhedral.stage @B (%i) domain #polyhedral.set<"{ B[i] : 0 <= i < 3 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [B[i] -> lane[k]] -> b[i + k] : 0 <= i < 3 and 0 <= k < 3 }"> : vector<3xf32>
    %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [B[i] -> lane[]] -> c[i] : 0 <= i < 3 }"> : vector<f32>
  }
}
