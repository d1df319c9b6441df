// Package house holds the house rules of this repository as tests: which
// package may import which (floors_test.go) and the numbers and habits of the
// source itself (numbers_test.go, habits_test.go). pages_test.go and reasons_test.go
// hold the pages of docs against what they speak of. It has no code of its own.
package house

//go:generate go test -run ^TestReasonsPage$ -update .
