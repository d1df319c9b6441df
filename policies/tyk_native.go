package policies

import "slices"

// Native gives a policy of a Tyk file as a native one, and in words what a
// native policy cannot say of it.
func (s *Spec) Native() (native Spec, lost []string) {
	native = *s
	native.Tyk = nil
	t := s.Tyk
	if t == nil {
		return native, nil
	}
	whole := !t.ACL && !t.Quota && !t.RateLimit && !t.Complexity
	native.PerAPI = t.PerAPI
	if t.PerAPI && !whole {
		native.Inactive = true
		lost = append(lost, "per_api beside another partition: it refuses every token, as an inactive one does")
	}
	if !whole {
		lost = append(lost, "partitions: a native policy has rights and limits together")
	}
	if whole || t.RateLimit {
		if r := TykRate(t.Limit.Rate, t.Limit.Per); r.Requests > 0 {
			native.Rate = &r
		}
	}
	if q := (&tykQuota{set: true, max: t.Limit.QuotaMax, renewal: t.Limit.QuotaRenewal}).limit(""); q != nil && (whole || t.Quota) {
		native.Quota = q.Quota
	}
	if !whole && !t.ACL {
		return native, append(lost, "without acl it grants nothing by itself")
	}
	for i := range t.Access {
		access := &t.Access[i]
		native.Access = append(native.Access, access.native())
		if !access.Limit.empty() && t.PerAPI {
			lost = append(lost, "a limit of its own on "+access.API+": a native policy has one rate and one quota")
		}
		if len(access.Endpoints) > 0 {
			lost = append(lost, "limits of endpoints on "+access.API)
		}
	}
	return native, lost
}

func (a *TykAccess) native() AccessSpec {
	if len(a.URLs) == 0 {
		return AccessSpec{API: a.API, All: true}
	}
	out := AccessSpec{API: a.API}
	for _, url := range a.URLs {
		if len(url.Methods) == 0 {
			continue
		}
		methods := slices.Clone(url.Methods)
		again := slices.IndexFunc(out.Allow, func(b AllowSpec) bool {
			return b.Path == url.Path && slices.Equal(b.Methods, methods)
		})
		if again < 0 {
			out.Allow = append(out.Allow, AllowSpec{Methods: methods, Path: url.Path})
		}
	}
	return out
}
