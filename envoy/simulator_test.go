package envoy

import (
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
)

// profile is how one line of Envoy versions applies header options to a request.
type profile int

const (
	// untilV136 overwrites whatever the action says; append:true joins by a comma
	// where the header exists and does nothing where it does not.
	untilV136 profile = iota
	// fearedV1370 is the reading of 1.37.0's source in which the action counts and
	// its zero value appends. No Envoy that was measured does so; an answer that is
	// right here is right anywhere.
	fearedV1370
	// newest is 1.40: as until 1.36, and a repeated name is replaced as a whole.
	newest
)

func (p profile) String() string { return [...]string{"1.36", "1.37.0", "1.40"}[p] }

var profiles = []profile{untilV136, fearedV1370, newest}

// upstream is a request as the upstream gets it.
type upstream struct {
	target  string
	headers []Field
}

// values are the lines of one header.
func (u *upstream) values(name string) []string {
	var out []string
	for _, f := range u.headers {
		if f.Name == name {
			out = append(out, f.Value)
		}
	}
	return out
}

// apply does to a request what an Envoy of the profile does with the answer. It
// is nil where Envoy refuses the request.
func (p profile) apply(h *HTTP, answer *authv3.CheckResponse) *upstream {
	if answer.GetStatus().GetCode() != 0 {
		return nil
	}
	u := &upstream{target: h.Target}
	for _, f := range h.Headers {
		u.headers = append(u.headers, Field{lower(f.Name), f.Value})
	}
	ok := answer.GetOkResponse()
	for _, o := range ok.GetHeaders() {
		p.set(u, o)
	}
	for _, name := range ok.GetHeadersToRemove() {
		if name = lower(name); name != "" && name[0] != ':' && name != "host" {
			u.remove(name)
		}
	}
	return u
}

func (p profile) set(u *upstream, o *corev3.HeaderValueOption) {
	name, value := lower(o.GetHeader().GetKey()), o.GetHeader().GetValue() // raw_value is not read
	if name == ":path" {
		u.target = value
		return
	}
	at := slices.IndexFunc(u.headers, func(f Field) bool { return f.Name == name })
	appends := o.GetAppend() //nolint:staticcheck // Envoy still reads it
	switch {
	case p == fearedV1370 && appends == nil:
		p.act(u, o, name, value, at)
	case appends.GetValue():
		if at >= 0 {
			u.headers[at].Value += "," + value
		}
	default:
		u.remove(name)
		u.headers = append(u.headers, Field{name, value})
	}
}

// act is fearedV1370: the action counts.
func (p profile) act(u *upstream, o *corev3.HeaderValueOption, name, value string, at int) {
	switch o.GetAppendAction() {
	case corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD:
	case corev3.HeaderValueOption_ADD_IF_ABSENT:
		if at >= 0 {
			return
		}
	case corev3.HeaderValueOption_OVERWRITE_IF_EXISTS:
		if at < 0 {
			return
		}
		u.remove(name)
	case corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD:
		u.remove(name)
	}
	u.headers = append(u.headers, Field{name, value})
}

func (u *upstream) remove(name string) {
	u.headers = slices.DeleteFunc(u.headers, func(f Field) bool { return f.Name == name })
}

// TestSimulator: the profiles differ where the measured and the feared Envoys do.
func TestSimulator(t *testing.T) {
	h := &HTTP{Target: "/a", Headers: []Field{{"X-A", "cli"}, {"x-gone", "1"}, {"host", "h"}}}
	option := func(action corev3.HeaderValueOption_HeaderAppendAction) *authv3.CheckResponse {
		return &authv3.CheckResponse{HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
			Headers:         []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: "x-a", Value: "srv"}, AppendAction: action}},
			HeadersToRemove: []string{"X-Gone", "host", ":path"},
		}}}
	}
	for _, test := range []struct {
		p      profile
		action corev3.HeaderValueOption_HeaderAppendAction
		want   string
	}{
		{untilV136, corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD, "srv"},
		{untilV136, corev3.HeaderValueOption_ADD_IF_ABSENT, "srv"},
		{newest, corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD, "srv"},
		{fearedV1370, corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD, "cli|srv"},
		{fearedV1370, corev3.HeaderValueOption_ADD_IF_ABSENT, "cli"},
		{fearedV1370, corev3.HeaderValueOption_OVERWRITE_IF_EXISTS, "srv"},
		{fearedV1370, corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD, "srv"},
	} {
		u := test.p.apply(h, option(test.action))
		if got := strings.Join(u.values("x-a"), "|"); got != test.want {
			t.Errorf("%v %v: %q, want %q", test.p, test.action, got, test.want)
		}
		if len(u.values("x-gone")) != 0 || len(u.values("host")) != 1 || u.target != "/a" {
			t.Errorf("%v: removals were not applied as Envoy does: %+v", test.p, u)
		}
	}
	denied := option(0)
	denied.Status = deniedStatus()
	if newest.apply(h, denied) != nil {
		t.Error("a denial reached the upstream")
	}
}
