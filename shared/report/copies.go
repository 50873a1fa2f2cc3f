package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// templateFigures returns a figure of the largest templates of questions; nil if the templates are not known.
func templateFigures(s selection.Summary) []*Figure {
	if len(s.Templates) == 0 {
		return nil
	}
	f := newFigure("templates", "Which templates of questions are in the pool?",
		"template", "selected", "share of the pool", "share of the selection")
	var rows []row
	all := 0.0
	over := ""
	for _, of := range s.Templates {
		name := webpage.Name(of.Template)
		rows = append(rows, row{name: name, values: []float64{of.Pool, of.Selection}})
		f.Table.add(name, webpage.Group(of.Selected), webpage.Percent(of.Pool), webpage.Percent(of.Selection))
		all += of.Pool
		if of.Over() && over == "" {
			over = fmt.Sprintf(" %q has a much larger share of the selection than of the pool; limit it with a cap on "+
				"templates.", name)
		}
	}
	bars(&f.Drawing, rows, []series{{"pool", "share of the pool"}, {"subset", "share of the selection"}}, percentShort)
	return []*Figure{f.end(fmt.Sprintf("The %s below have %s of the pool.%s", webpage.Plural(len(rows), "template"),
		webpage.Percent(all), over))}
}

// Copies describes the samples that a selection leaves out because they are near to an item of an evaluation set, or
// near to another sample.
type Copies struct {
	Sentences []string
	Sets      Table // the evaluation sets; empty if there are none
	Pairs     Table // the first pairs whose samples are left out
	More      int   // number of pairs that are not in the table
}

// maxCopies is the largest number of pairs in a report.
const maxCopies = 30

// newCopies returns the Copies of a selection; nil if the selection did not search for copies. The function each calls
// its argument with every near pair, in order.
func newCopies(sel *subset.Selection, each func(func(subset.NearLine) error) error) (*Copies, error) {
	if sel.Outputs.Near == "" && sel.Outputs.Clusters == "" {
		return nil, nil
	}
	c := &Copies{Pairs: Table{
		Head: []string{"sample", "near to", "because of", "different bits, image", "different bits, text"},
	}}
	if e := sel.Evaluations; e != nil {
		c.addEvaluations(e)
	}
	left, last := 0, int64(-1)
	err := each(func(line subset.NearLine) error {
		if !line.Dropped || line.Index == last {
			return nil
		}
		last = line.Index
		if line.Kind == subset.KindCluster {
			left++
		}
		if len(c.Pairs.Rows) == maxCopies {
			c.More++
			return nil
		}
		c.Pairs.add(webpage.Name(line.ID), webpage.Name(line.Near), line.Kind, bits(line.ImageDistance),
			bits(line.TextDistance))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if sel.Outputs.Clusters != "" {
		c.Sentences = append(c.Sentences, webpage.Plural(left, "sample")+" left out as near duplicates, because the "+
			"cluster already has the allowed number of selected samples.")
	}
	return c, nil
}

func (c *Copies) addEvaluations(e *subset.Contamination) {
	c.Sets.Head = []string{"evaluation set", "items", "images", "images not read"}
	for _, set := range e.Sets {
		c.Sets.add(webpage.Name(set.Name), webpage.Group(set.Items), webpage.Group(set.Images),
			webpage.Group(set.Unread))
	}
	text := fmt.Sprintf("%s with an image of an item of the evaluation sets; %s of them also have the text of the item. "+
		"%s with only the text of an item. Left out: %s.", webpage.Plural(e.Both+e.Image, "sample"),
		webpage.Group(e.Both), webpage.Plural(e.Text, "sample"), webpage.Plural(e.Dropped, "sample"))
	c.Sentences = append(c.Sentences, text)
	if len(e.ImageSources) == 0 {
		return
	}
	var sources []string
	most := func(a, b string) int {
		return cmp.Or(cmp.Compare(e.ImageSources[b], e.ImageSources[a]), cmp.Compare(a, b))
	}
	for _, name := range slices.SortedFunc(maps.Keys(e.ImageSources), most) {
		sources = append(sources, fmt.Sprintf("%s %d", name, e.ImageSources[name]))
	}
	c.Sentences = append(c.Sentences, "By source: "+listed(sources)+".")
}

// bits formats a distance in bits; it is empty without a distance.
func bits(distance *int) string {
	if distance == nil {
		return ""
	}
	return strconv.Itoa(*distance)
}
