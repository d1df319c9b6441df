package keyset

// index finds candidates among keys that do not change any more.
type index struct {
	all       []*Key            // in the order of trying
	byID      map[string][]*Key // those that have a kid
	loose     []*Key            // those that have none
	issuers   map[string]struct{}
	anyIssuer bool // some key speaks for every issuer
}

func newIndex(keys []*Key) *index {
	x := &index{all: keys, byID: map[string][]*Key{}, issuers: map[string]struct{}{}}
	for _, k := range keys {
		if k.HasID {
			x.byID[k.ID] = append(x.byID[k.ID], k)
		} else {
			x.loose = append(x.loose, k)
		}
		if k.Issuer == "" {
			x.anyIssuer = true
		} else {
			x.issuers[k.Issuer] = struct{}{}
		}
	}
	return x
}

// speaks says whether some key may verify tokens of the query's issuer.
func (x *index) speaks(q *Query) bool {
	if x.anyIssuer {
		return true
	}
	_, ok := x.issuers[q.Issuer]
	return ok && q.HasIssuer
}

// named appends the keys that the token names: those of exactly its kid, or all
// when it has none.
func (x *index) named(dst []*Key, q *Query, most int) []*Key {
	if q.HasKid {
		return pick(dst, x.byID[q.Kid], q, most)
	}
	return pick(dst, x.all, q, most)
}

// unnamed appends the keys without kid for a token that has one.
func (x *index) unnamed(dst []*Key, q *Query, most int) []*Key {
	if !q.HasKid {
		return dst // named gave them already
	}
	return pick(dst, x.loose, q, most)
}

// pick appends the keys that fit the query until dst has most.
func pick(dst, keys []*Key, q *Query, most int) []*Key {
	for _, k := range keys {
		if len(dst) == most {
			break
		}
		if k.accepts(q) {
			dst = append(dst, k)
		}
	}
	return dst
}

// accepts says whether k may verify a token of this algorithm and issuer.
func (k *Key) accepts(q *Query) bool {
	return k.Fits(q.Alg) && (k.Issuer == "" || q.HasIssuer && k.Issuer == q.Issuer)
}
