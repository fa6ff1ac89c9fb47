// RUN: cm-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file --verify-diagnostics --print-op-generic | filecheck %s

// Attributes hold ISL's own spelling, whatever the text they were written in.

// CHECK: #polyhedral.map<"{ s[w] -> b[1 + w] : 0 <= w <= 7 }">
// CHECK-SAME: #polyhedral.set<"{ s[h, w] : 0 <= h <= 3 and 0 <= w <= 7 }">
func.func private @canonical() attributes {
  test.map = #polyhedral.map<"{s[w]->b[w+1]:w>=0 and w<8}">,
  test.set = #polyhedral.set<"{ s[h,w] : 0 <= h,w and w < 8 and h < 4 }">
}

// -----

// Equal objects that are spelt alike are one attribute; redundant constraints are gone.

// CHECK: test.a = #polyhedral.set<"{ [i] : 0 <= i <= 3 }">
// CHECK-SAME: test.b = #polyhedral.set<"{ [i] : 0 <= i <= 3 }">
func.func private @equal() attributes {
  test.a = #polyhedral.set<"{ [i] : 0 <= i < 4 }">,
  test.b = #polyhedral.set<"{ [i] : -1 < i and i <= 3 and 2i < 8 and i <= 100 }">
}

// -----

// Pairs, existentials, divisions, unions of pieces, and names that ISL's language has words of its own for.

// CHECK: #polyhedral.map<"{ [mod[w] -> lane[k]] -> and[w + k] : 0 <= w <= 7 and 0 <= k <= 2 }">
// CHECK-SAME: #polyhedral.set<"{ s[i] : (i) mod 2 = 0 and 0 <= i <= 9 }">
// CHECK-SAME: #polyhedral.map<"{ b[n, r] -> slot[o0] : (-r + o0) mod 3 = 0 and 0 <= o0 <= 2 }">
// CHECK-SAME: #polyhedral.set<"{ s[i] : i < 0 or i >= 4 }">
func.func private @forms() attributes {
  test.1 = #polyhedral.map<"{ [mod[w] -> lane[k]] -> and[w + k] : 0 <= w < 8 and 0 <= k < 3 }">,
  test.2 = #polyhedral.set<"{ s[i] : exists j: i = 2j and 0 <= i < 10 }">,
  test.3 = #polyhedral.map<"{ b[n, r] -> slot[r mod 3] }">,
  test.4 = #polyhedral.set<"{ s[i] : i < 0 or i > 3 }">
}

// -----

// Errors point at the text.

func.func private @syntax() attributes {
  // expected-error @below {{ill-formed set "{ s[i] : 0 <= i < 4": syntax error}}
  test.set = #polyhedral.set<"{ s[i] : 0 <= i < 4">
}

// -----

func.func private @name() attributes {
  // expected-error @below {{ill-formed relation "{ s[i] -> b[j] : 0 <= k }"}}
  test.map = #polyhedral.map<"{ s[i] -> b[j] : 0 <= k }">
}

// -----

func.func private @kind() attributes {
  // expected-error @below {{ill-formed set "{ s[i] -> b[i] }": it is not one set}}
  test.set = #polyhedral.set<"{ s[i] -> b[i] }">
}

// -----

func.func private @union() attributes {
  // expected-error @below {{ill-formed relation "{ s[i] -> b[i]; t[i] -> b[i] }": it is not one relation}}
  test.map = #polyhedral.map<"{ s[i] -> b[i]; t[i] -> b[i] }">
}

// -----

func.func private @spaceless() attributes {
  // expected-error @below {{ill-formed set "{ }": it is not one set}}
  test.set = #polyhedral.set<"{ }">
}

// -----

func.func private @parameters() attributes {
  // expected-error @below {{"[N] -> { s[i] : 0 <= i < N }" has parameters: sizes must be numbers}}
  test.set = #polyhedral.set<"[N] -> { s[i] : 0 <= i < N }">
}

// -----

func.func private @literal() attributes {
  // expected-error @below {{string literal expected}}
  test.set = #polyhedral.set<3>
}
