package subset

import "github.com/harvest-ml/harvest/shared/selection"

// WriteRange is exported for benchmarks, which write a part more than once.
var WriteRange = (*Selector).writePart

// NestedTrade makes nested selections from the pool, and compares the largest as Trade does.
func (p *Pool) NestedTrade(asked selection.Params, within ...int) ([]TradeRow, error) {
	chosen, err := p.selectBy(asked, within)
	if err != nil {
		return nil, err
	}
	return p.trade(chosen, within)
}

// LetterEqual returns the letters of ranges with the given ends.
func LetterEqual(ends ...[2]float64) (letters []string) {
	ranges := make([]*FigureRange, len(ends))
	for i, e := range ends {
		ranges[i] = &FigureRange{Low: e[0], High: e[1]}
	}
	letterEqual(ranges)
	for _, r := range ranges {
		letters = append(letters, r.Equal)
	}
	return letters
}
