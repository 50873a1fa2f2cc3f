package report

import (
	"fmt"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A Trade compares a selection with selections of other rules at the same budget.
type Trade struct {
	Note     string
	Table    Table
	Commands [][2]string // name and command of each row except the chosen one; empty without commands
}

// newTrade returns the Trade of a selection; nil if the selection was not compared with others.
func newTrade(o *subset.Outcome, status *run.Status, commands Commands) *Trade {
	rows := o.Selection.Trade
	if len(rows) == 0 {
		return nil
	}
	t := &Trade{
		Note: subset.LowPicks(rows[0]) + ", because each bin has an equal share. No figure measures the quality of training.",
	}
	t.Table.Head, t.Table.Rows = subset.TradeTable(rows)
	for i, row := range rows[1:] {
		if commands.Select == nil {
			break
		}
		request := asked(o, status)
		request.Rules = row.Rules(request.Rules)
		t.Commands = append(t.Commands,
			[2]string{subset.TradeTitle(rows, i+1), webpage.Clip(commands.Select(o.Plan.Run, request), maxCommand)})
	}
	return t
}

// shapeFigures returns a figure of the shares of text-only samples and of samples with several images or turns; nil if
// these are not known.
func shapeFigures(s selection.Summary) []*Figure {
	if s.Pool.Shapes == nil {
		return nil
	}
	f := newFigure("shapes", "Which share has no image, one image, several images, or several turns?",
		"samples of", "share of the pool", "of a random subset", "of the selection")
	sets, all := compared(s)
	var rows []row
	change := 0.0
	reading := "The selection has the same shares as the pool."
	for i, named := range s.Pool.Shapes.Named() {
		one, cells := row{name: named.Name}, []string{named.Name}
		for _, set := range sets {
			share := set.Shapes.Named()[i].Share
			one.values = append(one.values, share)
			cells = append(cells, webpage.Percent(share))
		}
		rows = append(rows, one)
		f.Table.add(cells...)
		if by := one.values[2] - one.values[0]; max(by, -by) > max(change, -change) {
			change = by
			reading = fmt.Sprintf("Most changed: samples of %s, from %s of the pool to %s of the selection.",
				named.Name, webpage.Percent(one.values[0]), webpage.Percent(one.values[2]))
		}
	}
	bars(&f.Drawing, rows, all, percentShort)
	return []*Figure{f.end(reading)}
}
