package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/spf13/cobra"
)

// An order is a user's request for selections of a run, with the folder for their files. The state folder keeps the
// last order of each run, so that another command can complete it.
type order struct {
	Requests  []selection.Request `json:"requests"`            // the smallest budget first
	Out       string              `json:"out,omitempty"`       // folder; if empty, a folder with the selection's name
	MaxFailed run.Allowance       `json:"max_failed,omitzero"` // samples that may fail; zero for the run's
	// Format is the form that records are converted to; empty if they are not converted.
	Format string      `json:"format,omitempty"`
	Report reportFlags `json:"report,omitzero"`
	// Near are the evaluation sets that the requests name.
	Near  []nearFile    `json:"near,omitempty"`
	typed run.Allowance // the value of --max-failed
	arm   string        // the order's name in the file of --arms; else empty
	files typedFiles    // files that the flags name
}

// named adds the order's name in --arms to an error, and replaces the names of evaluation sets by their paths. It keeps
// the type usageError.
func (o order) named(err error) error {
	err = o.typedNear(err)
	if o.arm == "" {
		return err
	}
	if usage, ok := errors.AsType[usageError](err); ok {
		return usageError{fmt.Errorf("%s: %w", o.arm, usage.error)}
	}
	return fmt.Errorf("%s: %w", o.arm, err)
}

// maxFailedFlag adds --max-failed. byDefault says what applies without it.
func maxFailedFlag(cmd *cobra.Command, allowed *run.Allowance, byDefault string) {
	cmd.Flags().Func("max-failed", "maximum share (5%) or number of samples that may fail; if more fail, "+
		"nothing is selected (default: "+byDefault+")", func(text string) (err error) {
		*allowed, err = run.ParseAllowance(text)
		return err
	})
}

// newOrder makes an order. maxFailed is the value of --max-failed; zero for the run's limit.
func newOrder(requests []selection.Request, out string, reported reportFlags, maxFailed run.Allowance) order {
	return order{Requests: requests, Out: out, MaxFailed: maxFailed, Report: reported, typed: maxFailed}
}

// with returns the order with the form of subsets and the evaluation sets that the flags name.
func (o order) with(sel selectionFlags, out outputFlags) (order, error) {
	var err error
	if o.Near, err = nearFiles(sel.excludeNear); err != nil {
		return order{}, err
	}
	o.files = sel.files()
	o.Format, err = out.outputFormat()
	return o, err
}

// excluded returns the ids that every requested selection excludes.
func (o order) excluded() []string {
	if len(o.Requests) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(o.Requests[0].Exclude), func(id string) bool {
		return slices.ContainsFunc(o.Requests[1:], func(r selection.Request) bool { return !slices.Contains(r.Exclude, id) })
	})
}

// check returns an error if --max-failed is above the number of samples of a run.
func (o order) check(plan *run.Plan) error {
	if err := o.typed.Within(plan.Samples); err != nil {
		return usageError{fmt.Errorf("--max-failed: %w", err)}
	}
	return nil
}

// folder returns the folder of a request's selection. If there are several requests, each selection has a separate
// folder, named by the budget.
func (o order) folder(request selection.Request) string {
	if o.Out == "" || len(o.Requests) == 1 {
		return o.Out
	}
	return filepath.Join(o.Out, request.Budget.String())
}

// absolute returns the order with an absolute folder, for later commands that run in another working directory.
func (o order) absolute() (*order, error) {
	if o.Out == "" {
		return &o, nil
	}
	var err error
	if o.Out, err = filepath.Abs(o.Out); err != nil {
		return nil, fmt.Errorf("--out %s: %w", o.Out, err)
	}
	return &o, nil
}

// folders returns the names of the folders in Out, one for each selection; nil if Out itself has the only selection.
func (o order) folders() []string {
	if len(o.Requests) == 1 {
		return nil
	}
	var names []string
	for _, request := range o.Requests {
		names = append(names, request.Budget.String())
	}
	return names
}
