// Package policies says what a policy grants, chooses the policies of a token
// and merges several of them into one grant. It is pure: no clock, no store.
package policies
