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

// on says whether facts that cost something to make are wanted.
func (t *Trace) on() bool { return t != nil }

// step begins a step, which passes unless refuse says otherwise.
func (t *Trace) step(name string) {
	if t != nil {
		t.steps = append(t.steps, Step{Name: name, OK: true})
	}
}

// fact adds a detail to the step at hand; an empty one is left out.
func (t *Trace) fact(name, value string) {
	if t == nil || value == "" || len(t.steps) == 0 {
		return
	}
	last := &t.steps[len(t.steps)-1]
	last.Facts = append(last.Facts, Fact{Name: name, Value: shownFact(value)})
}

// refuse marks the step at hand as the one that refused.
func (t *Trace) refuse(reason Reason) {
	if t == nil || len(t.steps) == 0 {
		return
	}
	last := &t.steps[len(t.steps)-1]
	last.OK, last.Reason = false, reason
}

// shownFact bounds a fact and takes what a terminal could act on out of it:
// values may come from clients.
func shownFact(value string) string {
	const most = 512
	cut := value
	if len(cut) > most {
		cut = cut[:most]
	}
	clean := make([]rune, 0, len(cut))
	for _, r := range cut {
		if r < ' ' || (r >= 0x7f && r <= 0x9f) || r == '\u2028' || r == '\u2029' || r == '\u202e' || r == 0xfffd {
			r = '?'
		}
		clean = append(clean, r)
	}
	if len(value) > most {
		return string(clean) + "…"
	}
	return string(clean)
}

// traceEdits tells what changes in the request: names, and the values of what is
// injected. What was stripped is named only.
func (d *decision) traceEdits(edits []Edit) {
	if !d.trace.on() {
		return
	}
	for _, e := range edits {
		switch {
		case e.Remove:
			d.trace.fact("remove", e.Name)
		case d.api != nil && !d.passed && d.api.edits.covered[e.Name]:
			d.trace.fact("set", e.Name+": "+e.Value)
		default:
			d.trace.fact("set", e.Name)
		}
	}
}
