package authz

// Trace collects the steps of one decision for explain. All methods work on a
// nil Trace and do nothing there, so that the engine has one code path.
type Trace struct {
	steps []Step
}

// Step is one step of a decision: its name (the walk of doc.go), whether it
// passed, and facts in order. Facts never hold a token or a secret.
type Step struct {
	Name   string `json:"step"`
	OK     bool   `json:"ok"`
	Reason Reason `json:"reason,omitempty"`
	Facts  []Fact `json:"facts,omitempty"`
}

// Fact is one detail of a step.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Steps gives the steps in the order in which they were taken.
func (t *Trace) Steps() []Step {
	if t == nil {
		return nil
	}
	return t.steps
}
