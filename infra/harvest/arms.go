package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// maxArms is the maximum number of selections in a file of --arms. maxArmsFile is the maximum size of this file in
// bytes.
const (
	maxArms     = 64
	maxArmsFile = 64 << 20
)

// armName matches the names that may be used for folders.
var armName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// readArms reads a file of --arms. It returns the requests for selections by their names.
func readArms(file string) (map[string]selection.Request, error) {
	data, err := bucket.ReadWholeFile(file, maxArmsFile)
	if err != nil {
		return nil, err
	}
	var arms map[string]selection.Request
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&arms); err != nil && !errors.Is(err, io.EOF) {
		return nil, spelling.YAML(err, arms)
	}
	if len(arms) == 0 || len(arms) > maxArms {
		return nil, fmt.Errorf("it has %d selections; give 1 to %d, each as `name: {budget: 30%%}`", len(arms), maxArms)
	}
	folders := map[string]string{} // names by their lower case, because some disks do not distinguish case
	for _, name := range slices.Sorted(maps.Keys(arms)) {
		arm, folder := arms[name], strings.ToLower(name)
		if other, taken := folders[folder]; taken {
			return nil, fmt.Errorf("%s and %s would be one folder on a disk that does not distinguish upper and lower case; "+
				"rename one", other, name)
		}
		folders[folder] = name
		switch {
		case !armName.MatchString(name):
			return nil, fmt.Errorf("%q is not a name for a folder; use letters, digits, dots, dashes and underscores", name)
		case arm.Budget.IsZero():
			return nil, fmt.Errorf("%s: budget: it is missing; give a share such as 30%%, or a number of samples", name)
		case len(arm.Within) > 0:
			return nil, fmt.Errorf("%s: within: each selection of --arms has one budget; remove the field within", name)
		}
		if err := arm.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return arms, nil
}

// selectArms makes the selections of a file of --arms. Each selection is written to a folder with its name.
func (c *selectCommand) selectArms(cmd *cobra.Command, args []string, format string) error {
	switch {
	case selectionFlag(cmd) != "":
		return usageError{fmt.Errorf("--arms: its file has all parameters of the selections; remove --%s",
			selectionFlag(cmd))}
	case c.dir == "":
		return usageError{errors.New("--arms: --out is missing; give the folder for the selections")}
	}
	arms, err := readArms(c.arms)
	if err != nil {
		return usageError{fmt.Errorf("--arms %s: %w", c.arms, err)}
	}
	var orders []order
	for _, name := range slices.Sorted(maps.Keys(arms)) {
		near, err := nearFiles(arms[name].ExcludeNear)
		if err != nil {
			return usageError{fmt.Errorf("--arms %s: %s: exclude_near: %w", c.arms, name, err)}
		}
		requests, err := withExternal(cmd.Context(), c.state, fmt.Sprintf("--arms %s: %s: scores_from", c.arms, name),
			[]selection.Request{arms[name]})
		if err != nil {
			return err
		}
		requests[0].ExcludeNear = nearObjects(near)
		o := newOrder(requests, filepath.Join(c.dir, name), c.reported, c.maxFailed)
		o.Format, o.arm, o.Near = format, name, near
		orders = append(orders, o)
	}
	show := newDisplay(c.out.quiet)
	results, err := selectSubsets(cmd.Context(), args[0], orders, c.state, show)
	show.close()
	if err != nil {
		return err
	}
	byName := map[string]*result{}
	for i, res := range results {
		byName[orders[i].arm] = res
		warnOfShortfall(cmd.ErrOrStderr(), res.selection.Parameters, res.Shortfall, res.selection.Shortfalls)
		warnOfNumbers(cmd.ErrOrStderr(), res.selection.Numbers, res.selection.Total)
		if c.out.json {
			continue
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s\n", orders[i].arm, number(res.Selected, "sample"),
			res.Outputs.Subset)
		if err != nil {
			return err
		}
	}
	if c.out.json {
		return api.EncodeJSON(cmd.OutOrStdout(), byName)
	}
	return nil
}

// preview returns an error if an order is invalid, before any selection is made. It reports whether each selection
// would get samples.
func (r *result) preview(ctx context.Context, s session, o order) (bool, error) {
	if r.failure(o.MaxFailed) != "" {
		return false, nil
	}
	for _, request := range o.Requests {
		p, err := s.api.Preview(ctx, r.Run, api.SelectionRequest{Request: request, MaxFailed: o.MaxFailed})
		if api.HasStatus(err, http.StatusUnprocessableEntity) {
			return false, usageError{byFlags(err)}
		}
		if err != nil || p.Selected == 0 {
			return false, err
		}
	}
	return true, nil
}

// selectionFlag returns the name of the first given flag that describes a selection. It is empty if no such flag is
// given.
func selectionFlag(cmd *cobra.Command) (given string) {
	var none cobra.Command
	new(selectionFlags).add(&none)
	none.Flags().VisitAll(func(f *pflag.Flag) {
		if given == "" && cmd.Flags().Changed(f.Name) {
			given = f.Name
		}
	})
	return given
}
