package authz

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// maxSkew is the most that clocks may differ: more hides a mistake. Definitions
// from Tyk files may go on with more, up to a day.
const (
	maxSkew    = 10 * time.Minute
	maxTykSkew = 24 * time.Hour
)

// compileClaims makes the claim checks of an API.
func (a *api) compileClaims(base string, p *problems) {
	spec := &a.spec.Claims
	c := &a.claims
	*c = claimChecks{
		tyk: a.spec.Tyk, issuers: spec.Issuers, audiences: spec.Audiences, subject: spec.Subjects,
		require: spec.Require, skew: spec.Skew, typNeeded: spec.Typ != nil,
	}
	if spec.Require == nil {
		c.require = []string{"exp"}
	}
	checkNames(base, "issuers", spec.Issuers, p)
	checkNames(base, "audiences", spec.Audiences, p)
	checkNames(base, "subjects", spec.Subjects, p)
	checkNames(base, "require", spec.Require, p)
	c.compileTyp(spec.Typ, base, p)
	c.checkSkew("exp", spec.Skew.Exp, at(base, "skew"), p)
	c.checkSkew("nbf", spec.Skew.Nbf, at(base, "skew"), p)
	c.checkSkew("iat", spec.Skew.Iat, at(base, "skew"), p)
	for i, name := range spec.InsecureSkip {
		switch name {
		case "exp":
			c.skipExp = true
		case "nbf":
			c.skipNbf = true
		case "iat":
			c.skipIat = true
		default:
			p.add(at(base, "insecure_skip", i), "only time checks can be skipped", "exp, nbf or iat")
		}
	}
	for i := range spec.Rules {
		c.rules = append(c.rules, compileRule(&spec.Rules[i], at(base, "rules", i), p))
	}
}

// checkNames refuses empty entries: "" is what an absent value reads as.
func checkNames(base, field string, names []string, p *problems) {
	for i, name := range names {
		if name == "" {
			p.add(at(base, field, i), "is empty", "a text, or leave it out")
		}
	}
}

func (c *claimChecks) compileTyp(typ []string, base string, p *problems) {
	if typ == nil {
		c.typ = []string{"JWT", "at+jwt"}
		return
	}
	for i, name := range typ {
		short := name
		if len(name) > len("application/") && strings.EqualFold(name[:len("application/")], "application/") {
			short = name[len("application/"):]
		}
		if !isToken(short) {
			p.add(at(base, "typ", i), "is no media type", "JWT or at+jwt")
		}
		c.typ = append(c.typ, short)
	}
}

func (c *claimChecks) checkSkew(name string, skew time.Duration, base string, p *problems) {
	switch {
	case skew < 0:
		p.add(at(base, name), "is negative", "0s")
	case c.tyk && skew > maxTykSkew:
		p.add(at(base, name), "is more than a day", "at most 10m: let the clocks be set right")
	case skew > maxSkew:
		p.soften(c.tyk, Problem{At: at(base, name), What: "is more than 10m", Instead: "at most 10m: let the clocks be set right"})
	}
}

func compileRule(spec *RuleSpec, base string, p *problems) rule {
	if spec.Claim == "" {
		p.add(at(base, "claim"), "a rule needs the name of a claim", "")
	}
	r := rule{claim: spec.Claim, warnOnly: spec.WarnOnly}
	r.equals = compileWants(spec.Equals, at(base, "equals"), p)
	r.contains = compileWants(spec.Contains, at(base, "contains"), p)
	if (spec.Equals != nil && len(spec.Equals) == 0) || (spec.Contains != nil && len(spec.Contains) == 0) {
		p.soften(spec.WarnOnly, Problem{At: base, What: "an empty list of values is met by no token", Instead: "the values, or only claim"})
		r.equals = append(r.equals, want{}) // met by nothing
	}
	return r
}

func compileWants(values []any, base string, p *problems) []want {
	var out []want
	for i, value := range values {
		w, ok := wantOf(value)
		if !ok {
			p.add(at(base, i), "is neither text, number, boolean nor null", "")
			continue
		}
		out = append(out, w)
	}
	return out
}

func wantOf(value any) (want, bool) {
	switch v := value.(type) {
	case nil:
		return want{kind: jws.Null}, true
	case string:
		return want{kind: jws.String, text: v}, true
	case bool:
		return want{kind: jws.Bool, text: strconv.FormatBool(v)}, true
	case json.Number:
		return want{kind: jws.Number, text: v.String()}, json.Valid([]byte(v))
	case int:
		return want{kind: jws.Number, text: strconv.Itoa(v)}, true
	case int64:
		return want{kind: jws.Number, text: strconv.FormatInt(v, 10)}, true
	case float64:
		text, err := json.Marshal(v)
		return want{kind: jws.Number, text: string(text)}, err == nil
	}
	return want{}, false
}
