package subset

import "github.com/harvest-ml/harvest/shared/selection"

// lowShare is a share of picks. A selection is compared with others if at least this share has a rating of 1 or 0.
const lowShare = 0.2

// thresholds are the thresholds for a comparison, in order of preference.
var thresholds = [...]int{3, 2, 1}

// A TradeRow has the figures of one selection at a budget. The figures do not measure the quality of training.
type TradeRow struct {
	Strategy  selection.Strategy `json:"strategy"`
	Threshold int                `json:"threshold"`
	selection.Figures
	// Shared is the number of samples that are also in the chosen selection.
	Shared int `json:"shared"`
}

// Rules returns the rules of the chosen selection, with the row's threshold and strategy.
func (t TradeRow) Rules(chosen selection.Rules) selection.Rules {
	if t.Threshold > chosen.Threshold {
		chosen = chosen.AtThreshold(t.Threshold)
	}
	if t.Strategy != selection.MMSSR {
		chosen.Strategy = t.Strategy
	}
	return chosen
}

// Trade compares a selection with a selection at a higher threshold, and with a selection by the strategy descending.
// It returns nil if less than a fifth of the picks that a rating decided has a rating of 1 or 0.
func (p *Pool) Trade(params selection.Params, result *selection.Result) ([]TradeRow, error) {
	return p.trade(&choice{params, params, result}, nil)
}

func (p *Pool) trade(chosen *choice, within []int) ([]TradeRow, error) {
	rules := chosen.asked.Rules
	picked := p.PickRatings(chosen.result)
	if picked.Low(picked.Total()) < lowShare {
		return nil, nil
	}
	figures := p.Figures(chosen.result)
	first := TradeRow{
		Strategy: selection.MMSSR, Threshold: rules.Threshold, Figures: figures, Shared: figures.Selected,
	}
	if rules.Strategy != "" {
		first.Strategy = rules.Strategy
	}
	t := trader{pool: p, chosen: chosen, within: within, picked: make([]bool, p.Pool.Len())}
	for _, s := range chosen.result.Samples() {
		t.picked[s] = true
	}
	rows := []TradeRow{first}
	higher, err := t.higherThreshold(first)
	if err != nil {
		return nil, err
	}
	rows = append(rows, higher...)
	if first.Strategy != selection.Descending {
		row, err := t.row(selection.Descending, rules.Threshold)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// A trader makes the selections of a comparison.
type trader struct {
	pool   *Pool
	chosen *choice
	within []int
	picked []bool // whether the chosen selection has a sample
}

// higherThreshold returns the row of the highest threshold that fills as much of the budget as the chosen selection. If
// there is no such threshold, it returns the row of the lowest threshold above the chosen one; nil if there is none.
func (t trader) higherThreshold(first TradeRow) (found []TradeRow, err error) {
	for _, threshold := range thresholds {
		last := threshold == first.Threshold+1 || threshold == thresholds[len(thresholds)-1]
		if threshold <= first.Threshold || !last && t.isShort(threshold) {
			continue
		}
		row, err := t.row(first.Strategy, threshold)
		if err != nil {
			return nil, err
		}
		if found = []TradeRow{row}; row.Shortfall <= first.Shortfall {
			break
		}
	}
	return found, nil
}

// isShort reports whether a selection at a threshold is certainly smaller than the chosen selection, without selecting.
func (t trader) isShort(threshold int) bool {
	asked := t.chosen.asked
	if asked.InTokens {
		return false
	}
	most := len(asked.Include)
	for _, least := range asked.Minimums {
		most += least
	}
	most += asked.Mix.LeastSum(asked.Budget)
	asked.Rules = asked.AtThreshold(threshold)
	return most+t.pool.Candidates(asked) < t.chosen.result.Given
}

func (t trader) row(strategy selection.Strategy, threshold int) (TradeRow, error) {
	row := TradeRow{Strategy: strategy, Threshold: threshold}
	asked := t.chosen.asked
	asked.Rules = row.Rules(asked.Rules)
	other, err := t.pool.selectBy(asked, t.within)
	if err != nil {
		return TradeRow{}, err
	}
	row.Figures = t.pool.Figures(other.result)
	for _, s := range other.result.Samples() {
		if t.picked[s] {
			row.Shared++
		}
	}
	return row, nil
}
