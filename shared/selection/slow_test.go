package selection

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// A slowSelection makes a selection exactly as the method and the comments of fields describe. It does not have the
// data structures of Select: every turn scans and sorts the whole pool.
type slowSelection struct {
	pool            *Pool
	params          Params
	names           []string
	result          *Result
	picked, dropped map[uint32]bool
	ineligible      map[uint32]bool
	spent           int
	level           int // lower limit of thresholds
}

func slowSelect(pool *Pool, params Params) *Result {
	p := &slowSelection{
		pool: pool, params: params, names: params.Capabilities,
		result: &Result{Asked: params.Budget}, picked: map[uint32]bool{}, dropped: map[uint32]bool{},
		ineligible: slowIneligible(pool, params), level: Missing,
	}
	if len(p.names) == 0 {
		p.names = pool.Capabilities
	}
	members := make(map[string]bool)
	for s := range uint32(pool.Len()) {
		if !p.ineligible[s] {
			for _, name := range binNames(pool, s) {
				members[name] = true
			}
		}
	}
	p.result.Bins = slices.Sorted(maps.Keys(members))

	for i, s := range params.Include {
		if !p.picked[s] {
			p.picked[s] = true
			p.spent += p.cost(s)
			p.result.Picks = append(p.result.Picks,
				Pick{Sample: s, Rule: ByInclude, Capability: None, Bin: None, Rank: uint32(i + 1)})
		}
	}
	p.dropAtCaps()
	p.minimums()
	p.mix()
	switch params.Strategy {
	case "", MMSSR:
		p.nameCapabilities()
		p.shortfalls(p.rounds())
	case Descending:
		p.descend()
		p.shortfallOfAll()
	default:
		for i, s := range p.order() {
			if p.spent < params.Budget && p.in(s) {
				p.try(s, Pick{Rule: ByStrategy, Capability: None, Bin: None, Rank: uint32(i + 1)})
			}
		}
		p.shortfallOfAll()
	}
	p.result.Given = p.spent
	return p.result
}

// shortfallOfAll adds the part of the budget that was not filled.
func (p *slowSelection) shortfallOfAll() {
	if p.spent == p.params.Budget {
		return
	}
	cause := CauseFew
	if len(p.dropped) > 0 {
		cause = CauseRemoved
	}
	p.result.Shortfalls = append(p.result.Shortfalls,
		Shortfall{Asked: p.params.Budget, Given: p.spent, Cause: cause})
}

func slowIneligible(pool *Pool, params Params) map[uint32]bool {
	ineligible := make(map[uint32]bool)
	kept := make(map[[16]byte]uint32)
	for s := range uint32(pool.Len()) {
		var styles []string
		for _, style := range pool.styles(s) {
			styles = append(styles, pool.StyleNames[style])
		}
		within := func(names []string) func(string) bool {
			return func(name string) bool { return slices.Contains(names, name) }
		}
		source := pool.SourceNames[pool.Source[s]]
		switch {
		case len(params.Styles.Keep) > 0 && !slices.ContainsFunc(styles, within(params.Styles.Keep)),
			slices.ContainsFunc(styles, within(params.Styles.Drop)),
			len(params.Sources.Keep) > 0 && !slices.Contains(params.Sources.Keep, source),
			slices.Contains(params.Sources.Drop, source),
			slices.ContainsFunc(params.Where, func(c Condition) bool { return !slowHolds(c, pool.values(c.Column)[s]) }):
			ineligible[s] = true
			continue
		}
		if !params.Unique || pool.Twin[s] == [16]byte{} {
			continue
		}
		other, found := kept[pool.Twin[s]]
		switch {
		case !found:
			kept[pool.Twin[s]] = s
		case pool.Index != nil && pool.Index[s] < pool.Index[other]:
			kept[pool.Twin[s]] = s
			ineligible[other] = true
		default:
			ineligible[s] = true
		}
	}
	for _, s := range slices.Concat(params.Exclude, params.Near) {
		ineligible[s] = true
	}
	return ineligible
}

func (p *slowSelection) in(s uint32) bool { return !p.picked[s] && !p.dropped[s] && !p.ineligible[s] }

func (p *slowSelection) cost(s uint32) int {
	if p.params.InTokens {
		return int(p.pool.Tokens[s])
	}
	return 1
}

// try picks a sample if the budget and the caps allow it. Otherwise it drops the sample.
func (p *slowSelection) try(s uint32, pick Pick) bool {
	p.picked[s] = true
	fits := p.spent+p.cost(s) <= p.params.Budget
	if !fits {
		p.result.TooLong = append(p.result.TooLong, s)
	}
	for _, u := range p.uses() {
		fits = fits && u.used <= u.limit
	}
	if !fits {
		delete(p.picked, s)
		p.dropped[s] = true
		return false
	}
	pick.Sample = s
	p.spent += p.cost(s)
	p.result.Picks = append(p.result.Picks, pick)
	p.dropAtCaps()
	return true
}

// A use is the amount of a source, style or image in the selection, and its cap.
type use struct {
	used, limit int
	has         func(s uint32) bool
}

func (p *slowSelection) uses() []use {
	var all []use
	add := func(c Cap, things int, of func(s uint32) []uint32) {
		if c.IsZero() {
			return
		}
		for i := range uint32(things) {
			u := use{limit: c.of(p.params.Budget), has: func(s uint32) bool { return slices.Contains(of(s), i) }}
			for s := range p.picked {
				switch {
				case !u.has(s):
				case c.amount.ratio > 0:
					u.used += p.cost(s)
				default:
					u.used++
				}
			}
			all = append(all, u)
		}
	}
	add(p.params.Caps.Source, len(p.pool.SourceNames), func(s uint32) []uint32 { return p.pool.Source[s : s+1] })
	add(p.params.Caps.Style, len(p.pool.StyleNames), p.pool.styles)
	add(p.params.Caps.Image, highest(p.pool.Image)+1, p.pool.images)
	add(p.params.Caps.Cluster, highest(p.pool.Cluster)+1, func(s uint32) []uint32 { return p.pool.Cluster[s : s+1] })
	add(p.params.Caps.Template, highest(p.pool.Template)+1, func(s uint32) []uint32 {
		if p.pool.Template[s] == 0 {
			return nil
		}
		return p.pool.Template[s : s+1]
	})
	modality := func(has func(images int, several bool) bool) func(s uint32) []uint32 {
		return func(s uint32) []uint32 {
			if has(int(p.pool.Shape[s]%MultiTurn)-1, p.pool.Shape[s] >= MultiTurn) {
				return []uint32{0}
			}
			return nil
		}
	}
	p.addMost(add)
	m := p.params.Caps.Modality
	add(m.TextOnly, 1, modality(func(images int, _ bool) bool { return images == 0 }))
	add(m.OneImage, 1, modality(func(images int, _ bool) bool { return images == 1 }))
	add(m.MultiImage, 1, modality(func(images int, _ bool) bool { return images == 2 }))
	add(m.MultiTurn, 1, modality(func(_ int, several bool) bool { return several }))
	return all
}

// highest returns the largest of the numbers; -1 if there are no numbers.
func highest(numbers []uint32) int {
	most := -1
	for _, n := range numbers {
		most = max(most, int(n))
	}
	return most
}

func (p *slowSelection) dropAtCaps() {
	for _, u := range p.uses() {
		for s := range uint32(p.pool.Len()) {
			if u.used >= u.limit && u.has(s) && !p.picked[s] {
				p.dropped[s] = true
			}
		}
	}
}

// selectable returns the samples that take part, have a style, and have a rating.
func (p *slowSelection) selectable() []uint32 {
	var samples []uint32
	for s := range uint32(p.pool.Len()) {
		if _, n := p.mean(s, false); n > 0 && len(p.pool.styles(s)) > 0 && !p.ineligible[s] {
			samples = append(samples, s)
		}
	}
	return samples
}

func (p *slowSelection) mean(s uint32, expected bool) (mean float64, n int) {
	sum := 0
	for _, name := range p.names {
		c := slices.Index(p.pool.Capabilities, name)
		if p.pool.Ratings[c][s] == Missing {
			continue
		}
		n++
		if expected {
			sum += int(p.pool.Expected[c][s])
		} else {
			sum += int(p.pool.Ratings[c][s])
		}
	}
	return float64(sum) / float64(max(n, 1)), n
}

func (p *slowSelection) bestFirst(samples []uint32, expected bool) {
	slices.SortFunc(samples, func(a, b uint32) int {
		x, _ := p.mean(a, expected)
		y, _ := p.mean(b, expected)
		return cmp.Or(cmp.Compare(y, x), slowTies(p.pool, p.params, a, b))
	})
}

func (p *slowSelection) minimums() {
	for _, source := range slices.Sorted(maps.Keys(p.params.Minimums)) {
		held := 0
		for s := range p.picked {
			if p.pool.SourceNames[p.pool.Source[s]] == source {
				held++
			}
		}
		var samples []uint32
		for _, s := range p.selectable() {
			if p.pool.SourceNames[p.pool.Source[s]] == source {
				samples = append(samples, s)
			}
		}
		p.bestFirst(samples, false)
		least := p.params.Minimums[source]
		for i, s := range samples {
			if held < least && p.spent < p.params.Budget && p.in(s) &&
				p.try(s, Pick{Rule: ByMinimum, Capability: None, Bin: None, Rank: uint32(i + 1)}) {
				held++
			}
		}
		if held < least {
			p.result.Shortfalls = append(p.result.Shortfalls,
				Shortfall{Source: source, Asked: least, Given: held, Cause: CauseRemoved})
		}
	}
}

func (p *slowSelection) order() []uint32 {
	samples := p.selectable()
	if p.params.Strategy == Longest {
		slices.SortFunc(samples, func(a, b uint32) int {
			return cmp.Or(int(p.pool.Answers[b])-int(p.pool.Answers[a]), slowTies(p.pool, p.params, a, b))
		})
		return samples
	}
	if p.params.By != "" {
		slices.SortFunc(samples, func(a, b uint32) int {
			x, _ := p.mean(a, p.pool.Expected != nil && !p.params.RatingsOnly)
			y, _ := p.mean(b, p.pool.Expected != nil && !p.params.RatingsOnly)
			return cmp.Or(slowColumn(p.pool, p.params.By, a, b), cmp.Compare(y, x), slowTies(p.pool, p.params, a, b))
		})
		return samples
	}
	if p.params.Strategy == Top {
		p.bestFirst(samples, p.pool.Expected != nil && !p.params.RatingsOnly)
		return samples
	}
	rng := rand.New(rand.NewPCG(p.params.Seed, 1))
	rng.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
	if p.params.Strategy == Random {
		return samples
	}
	bySource := make(map[string][]uint32)
	for _, s := range samples {
		source := p.pool.SourceNames[p.pool.Source[s]]
		bySource[source] = append(bySource[source], s)
	}
	type step struct {
		at     float64
		source string
		sample uint32
	}
	var steps []step
	for source, samples := range bySource {
		for i, s := range samples {
			steps = append(steps, step{(float64(i) + 0.5) / float64(len(samples)), source, s})
		}
	}
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.source, b.source))
	})
	samples = samples[:0]
	for _, step := range steps {
		samples = append(samples, step.sample)
	}
	return samples
}

func (p *slowSelection) threshold(name string) int {
	if threshold, own := p.params.Thresholds[name]; own {
		return threshold
	}
	return p.params.Threshold
}

func (p *slowSelection) candidates(name string) []uint32 {
	ratings := p.pool.Ratings[slices.Index(p.pool.Capabilities, name)]
	threshold := max(p.threshold(name), p.level)
	var found []uint32
	for s := range uint32(p.pool.Len()) {
		if !p.ineligible[s] && ratings[s] != Missing && int(ratings[s]) > threshold && len(p.pool.styles(s)) > 0 {
			found = append(found, s)
		}
	}
	return found
}

// A slowCapability has the amount of one capability in the first round, and the amount that it picked.
type slowCapability struct {
	shortBins    []Shortfall
	asked, given int
}

func (p *slowSelection) nameCapabilities() {
	for _, name := range p.names {
		p.result.Capabilities = append(p.result.Capabilities,
			CapabilityResult{Capability: name, Candidates: len(p.candidates(name))})
	}
}

// rounds makes rounds until the budget is filled or no capability picks a sample. It returns the amounts of each
// capability.
func (p *slowSelection) rounds() []slowCapability {
	all := make([]slowCapability, len(p.names))
	active := slices.Clone(p.names)
	for p.spent < p.params.Budget && len(active) > 0 {
		p.result.Rounds++
		drop := p.round(active, all)
		active = slices.DeleteFunc(active, func(name string) bool { return slices.Contains(drop, name) })
	}
	return all
}

// round gives each of the active capabilities a turn, and returns those that picked nothing.
func (p *slowSelection) round(active []string, all []slowCapability) (drop []string) {
	remaining := p.params.Budget - p.spent
	perCapability := max(remaining/len(active), 1)
	for _, name := range active {
		if p.spent >= p.params.Budget {
			break
		}
		if len(p.params.Weights) > 0 {
			sum := 0.0
			for _, name := range active {
				sum += p.weight(name)
			}
			perCapability = max(int(math.Floor(float64(remaining)*p.weight(name)/sum)), 1)
		}
		k := min(perCapability, p.params.Budget-p.spent)
		perCapability = k
		c := slices.Index(p.names, name)
		picks, spent := len(p.result.Picks), p.spent
		shortBins := p.takeTurn(name, k)
		if p.result.Rounds == 1 {
			all[c].asked, all[c].shortBins = k, shortBins
		}
		p.result.Capabilities[c].Picked += len(p.result.Picks) - picks
		all[c].given += p.spent - spent
		if len(p.result.Picks) == picks {
			drop = append(drop, name)
		}
	}
	return drop
}

// shortfalls adds the shortfalls of the capabilities and their bins to the result.
func (p *slowSelection) shortfalls(all []slowCapability) {
	for c, name := range p.names {
		if all[c].given < all[c].asked {
			cause := p.cause(name, "", p.spent == p.params.Budget, p.result.Capabilities[c].Picked)
			p.result.Shortfalls = append(p.result.Shortfalls, Shortfall{
				Capability: name, Asked: all[c].asked, Given: all[c].given, Cause: cause,
			})
		}
		for _, row := range all[c].shortBins {
			picked := 0
			for _, pick := range p.result.Picks {
				if pick.Capability == uint32(c) && p.result.Bins[pick.Bin] == row.Bin {
					picked++
				}
			}
			row.Cause = p.cause(name, row.Bin, row.Cause == CauseBudget, picked)
			p.result.Shortfalls = append(p.result.Shortfalls, row)
		}
	}
}

// cause returns the cause of a shortfall of a capability, in one bin or, without a name, in all bins.
func (p *slowSelection) cause(name, bin string, spent bool, picked int) Cause {
	held, dropped := 0, false
	for _, s := range p.candidates(name) {
		if bin == "" || slices.Contains(binNames(p.pool, s), bin) {
			held++
			dropped = dropped || p.dropped[s]
		}
	}
	switch {
	case spent:
		return CauseBudget
	case dropped:
		return CauseRemoved
	case picked < held:
		return CauseTaken
	case held == 0:
		return CauseNone
	}
	return CauseFew
}

func (p *slowSelection) weight(name string) float64 {
	if weight, own := p.params.Weights[name]; own {
		return weight
	}
	return 1
}

// takeTurn picks an amount of about k, and returns the bins that gave less than their share.
func (p *slowSelection) takeTurn(name string, k int) (shortBins []Shortfall) {
	bins := p.inBins(name)
	order := slices.Collect(maps.Keys(bins))
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(bins[a]), len(bins[b])), cmp.Compare(a, b))
	})

	inTurn, debt := 0, 0
	for _, bin := range order {
		if inTurn >= k || p.spent == p.params.Budget {
			break
		}
		share := max(k/len(order), 1)
		inBin := 0
		for i, s := range bins[bin] {
			if inBin >= share+debt || p.spent == p.params.Budget {
				break
			}
			if p.in(s) && p.try(s, Pick{
				Round: uint32(p.result.Rounds), Capability: uint32(slices.Index(p.names, name)),
				Bin: uint32(slices.Index(p.result.Bins, bin)), Rank: uint32(i + 1),
			}) {
				inBin += p.cost(s)
			}
		}
		inTurn += inBin
		debt = max(share+debt-inBin, 0)
		if inBin < share {
			row := Shortfall{Capability: name, Bin: bin, Asked: share, Given: inBin}
			if p.spent == p.params.Budget {
				row.Cause = CauseBudget
			}
			shortBins = append(shortBins, row)
		}
	}
	return shortBins
}

// inBins returns a capability's candidates that are not removed, by bin and in order.
func (p *slowSelection) inBins(name string) map[string][]uint32 {
	bins := make(map[string][]uint32)
	for _, s := range p.candidates(name) {
		for _, bin := range binNames(p.pool, s) {
			if p.in(s) {
				bins[bin] = append(bins[bin], s)
			}
		}
	}
	for bin, held := range bins {
		position := func(s uint32) int { return slices.Index(binNames(p.pool, s), bin) }
		ratings := p.pool.Ratings[slices.Index(p.pool.Capabilities, name)]
		slices.SortFunc(held, func(a, b uint32) int {
			byPosition, byRating := cmp.Compare(position(a), position(b)), cmp.Compare(ratings[b], ratings[a])
			if p.params.WithinBin == ByScore {
				return cmp.Or(byRating, byPosition, slowOrder(p.pool, p.params, name, a, b))
			}
			return cmp.Or(byPosition, byRating, slowOrder(p.pool, p.params, name, a, b))
		})
	}
	return bins
}

func binNames(pool *Pool, s uint32) []string {
	var names []string
	for _, style := range pool.styles(s) {
		names = append(names, pool.StyleNames[style]+"+"+pool.SourceNames[pool.Source[s]])
	}
	return names
}

// slowOrder orders samples of equal rating and position.
func slowOrder(pool *Pool, params Params, capability string, a, b uint32) int {
	column := slices.Index(pool.Capabilities, capability)
	compared := !params.RatingsOnly && params.TieBreak == "" && pool.Expected != nil
	if compared && pool.Expected[column][a] != pool.Expected[column][b] {
		return cmp.Compare(pool.Expected[column][b], pool.Expected[column][a])
	}
	return slowTies(pool, params, a, b)
}

func slowTies(pool *Pool, params Params, a, b uint32) int {
	order := 0
	if params.TieBreak != "" {
		order = slowColumn(pool, params.TieBreak, a, b)
	}
	if !params.RatingsOnly {
		order = cmp.Or(order, cmp.Compare(slowSum(pool, b), slowSum(pool, a)))
		if pool.Tie != nil {
			order = cmp.Or(order, cmp.Compare(pool.Tie[a], pool.Tie[b]))
		}
	}
	if pool.Index != nil {
		order = cmp.Or(order, cmp.Compare(pool.Index[a], pool.Index[b]))
	}
	return cmp.Or(order, cmp.Compare(a, b))
}

func slowSum(pool *Pool, s uint32) int {
	sum := 0
	for c := range pool.Capabilities {
		switch {
		case pool.Ratings[c][s] == Missing:
		case pool.Expected != nil:
			sum += int(pool.Expected[c][s])
		default:
			sum += int(pool.Ratings[c][s])
		}
	}
	return sum
}
