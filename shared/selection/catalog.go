package selection

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// A Catalog has a valid pool, and data that all its selections share: the groups of samples, the number of samples of
// each group by rating, and the order among equal samples. The data are computed when they are first used. A Catalog is
// safe for concurrent use. Its pool must not change.
type Catalog struct {
	Pool *Pool

	all             *groups // groups of all samples
	byHash, byIndex *ties
	scored          sampleSet
	described       Statistics // of the scored samples
	columns         [][]cell   // the cells of each column of ratings

	mu               sync.Mutex
	latest           []thresholdBits // latest candidates of each column of ratings
	once             sync.Once
	onceHash, onceID sync.Once
	onceDescribed    sync.Once
	onceScored       sync.Once
	onceCells        sync.Once
}

// NewCatalog returns a catalog of a pool. The error names all contradictions between the pool's columns.
func NewCatalog(pool *Pool) (*Catalog, error) {
	if err := pool.Validate(); err != nil {
		return nil, err
	}
	return &Catalog{Pool: pool, latest: make([]thresholdBits, len(pool.Ratings))}, nil
}

// thresholdBits mark the samples whose rating exceeds a threshold; bits is nil before the first use.
type thresholdBits struct {
	threshold int32
	bits      bitset
}

// candidates returns the set of samples whose rating exceeds a threshold. The set is shared: do not change it. Only the
// set for a column's latest threshold is kept, because selections seldom have different thresholds.
func (c *Catalog) candidates(column int, threshold int32) bitset {
	bits, known := c.latestCandidates(column, threshold)
	if !known {
		bits.fill(c.Pool.Ratings[column], threshold, 0)
		c.keepCandidates(column, threshold, bits)
	}
	return bits
}

// latestCandidates returns the set of candidates that is kept for a column, if it is for this threshold; else an empty
// set to fill.
func (c *Catalog) latestCandidates(column int, threshold int32) (bits bitset, known bool) {
	c.mu.Lock()
	latest := c.latest[column]
	c.mu.Unlock()
	if latest.bits != nil && latest.threshold == threshold {
		return latest.bits, true
	}
	return newBitset(c.Pool.Len()), false
}

// keepCandidates keeps a filled set for a column's next selections.
func (c *Catalog) keepCandidates(column int, threshold int32, bits bitset) {
	c.mu.Lock()
	c.latest[column] = thresholdBits{threshold, bits}
	c.mu.Unlock()
}

// cells returns the cells of all samples for a column of ratings; nil if a rating is not a level.
func (c *Catalog) cells(column int) []cell {
	c.onceCells.Do(func() {
		c.columns = countCells(c.groups(nil), c.Pool.Ratings, runtime.GOMAXPROCS(0))
	})
	return c.columns[column]
}

// Bytes returns the approximate memory of the catalog when all its data are computed.
func (c *Catalog) Bytes() int {
	p := c.Pool
	perSample := len(p.Ratings) + 2*len(p.Expected)
	perSample += 4 * (2 + 2 + 1) // source and start of its styles; groups; hint
	perSample += 8 * len(p.Columns)
	return p.Len()*perSample + p.Len()*len(p.Ratings)/8 + 8*cap(p.Tie) + 8*cap(p.Index) +
		4*cap(p.Style) + 4*(cap(p.Tokens)+cap(p.Answers)) + cap(p.Shape) + 16*cap(p.Twin) +
		4*(cap(p.Image)+cap(p.ImageStart)+cap(p.Cluster)+cap(p.Template))
}

// groups returns the groups of all eligible samples. If ineligible is nil, all samples are eligible.
func (c *Catalog) groups(ineligible bitset) *groups {
	workers := runtime.GOMAXPROCS(0)
	if ineligible != nil {
		return newGroups(c.Pool, ineligible, workers)
	}
	c.once.Do(func() { c.all = newGroups(c.Pool, nil, workers) })
	return c.all
}

// ties returns the order among equal samples: by sum, tie hash and index; or by index alone; or by a column, and then
// by sum, tie hash and index.
func (c *Catalog) ties(rules Rules) *ties {
	workers := runtime.GOMAXPROCS(0)
	if order := c.Pool.orderBy(rules.TieBreak); order != nil {
		return newTiesBy(c.Pool, order, workers)
	}
	if rules.RatingsOnly {
		c.onceID.Do(func() { c.byIndex = newTies(c.Pool, true, workers) })
		return c.byIndex
	}
	c.onceHash.Do(func() { c.byHash = newTies(c.Pool, false, workers) })
	return c.byHash
}

// Select makes a selection from the catalog's pool, like the function Select.
func (c *Catalog) Select(params Params) (*Result, error) {
	if err := params.Validate(c.Pool); err != nil {
		return nil, err
	}
	return newSelector(c, params).run(), nil
}

// Candidates returns the number of samples that are rated above their threshold for a capability of the selection,
// including samples that do not take part. Turns cannot pick more samples.
func (c *Catalog) Candidates(params Params) int { return params.above(c.Pool).count() }

// SelectNested makes a selection for each of the budgets, which replace Params.Budget. Budgets must ascend. Each
// selection contains the previous selection, whose picks become must-includes in the order of picking. Example: 5 %, 10
// % and 30 % of a pool, to measure the effect of more data.
func (c *Catalog) SelectNested(params Params, budgets ...int) ([]*Result, error) {
	var results []*Result
	include := slices.Clone(params.Include)
	for i, budget := range budgets {
		if i > 0 && budget <= budgets[i-1] {
			return nil, fmt.Errorf("budgets: %d follows %d; the least is %d", budget, budgets[i-1], budgets[i-1]+1)
		}
		params.Budget, params.Include = budget, include
		result, err := c.Select(params)
		if err != nil {
			return nil, fmt.Errorf("selecting %d: %w", budget, err)
		}
		results = append(results, result)
		include = result.Samples()
	}
	return results, nil
}
