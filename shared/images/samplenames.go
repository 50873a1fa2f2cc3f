package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

const (
	// maxFolders is the largest number of neighbouring folders, on each level, that are searched for missing images.
	maxFolders = 256
	// maxTried is the largest number of missing images that are looked up in each of these folders.
	maxTried = 16
	// concurrentLookups is the number of names that are looked up concurrently.
	concurrentLookups = 32
)

// A NamesReport is the result of looking up some image names: the number of missing images, and the place where they
// probably are.
type NamesReport struct {
	Names   int      // number of names that were looked up
	Missing int      // number of names without an image
	Missed  []string // the first missing names, at most three
	// Folder is the images' folder on this machine, or their prefix in the cloud.
	Folder string
	// Fit is the folder that has most of the missing images: the folder to give as --images. It is empty if no folder next
	// to Folder, one level above it or one level below it has them.
	Fit string
	// Surplus is the folder with which the missing names begin, if Folder has most of these images under the rest of their
	// names: "vg" if vg/a.jpg is missing, but Folder has a.jpg. Then no folder fits: the names or the folders must change.
	Surplus string
}

// MostMissing reports whether more than half of the names are missing. Then the folder is probably wrong.
func (r NamesReport) MostMissing() bool { return 2*r.Missing > r.Names }

// Message returns the report in one sentence, with the fix: if most images are missing, the folder to give as --images.
func (r NamesReport) Message() string {
	if r.Missing == 0 {
		if r.Names == 1 {
			return "the image that was checked is in " + r.Folder
		}
		return fmt.Sprintf("all %d images that were checked are in %s", r.Names, r.Folder)
	}
	found := fmt.Sprintf("%d of %d images that were checked are not in %s (%s)",
		r.Missing, r.Names, r.Folder, strings.Join(r.Missed, ", "))
	if r.Names == 1 {
		found = fmt.Sprintf("the image that was checked is not in %s (%s)", r.Folder, strings.Join(r.Missed, ", "))
	}
	switch {
	case r.Fit != "":
		return fmt.Sprintf("%s; they are in %s: give --images %s", found, r.Fit, r.Fit)
	case r.Surplus != "":
		return fmt.Sprintf("%s; they are there under their names without %s/: move them into a new folder %s there, or make "+
			"a link of this name that leads back to them (ln -s . %s)", found, r.Surplus, r.Surplus,
			filepath.Join(r.Folder, r.Surplus))
	default:
		return found + "; give the folder to which the names are relative as --images"
	}
}

// CheckNames looks up the images of some names of a dataset, for example 200, without reading them. If most images are
// missing, it searches for the right folder on this machine: the folder above, the folders inside and next to it, and
// the common folder of absolute names. It makes at most some thousand look-ups. On one machine they take about a
// second. The error is transient, or a *bucket.MachineError.
func (f *Fetcher) CheckNames(ctx context.Context, names []string) (NamesReport, error) {
	report := NamesReport{Names: len(names), Folder: f.place()}
	missing, err := f.missingNames(ctx, names)
	if err != nil {
		return NamesReport{}, err
	}
	report.Missing, report.Missed = len(missing), slices.Clone(missing[:min(3, len(missing))])
	if !report.MostMissing() {
		return report, nil
	}
	// The tried names are spread evenly, because the samples of a source are often next to each other.
	var tried []string
	for i := range min(len(missing), maxTried) {
		tried = append(tried, missing[i*len(missing)/min(len(missing), maxTried)])
	}
	if len(f.folders) > 0 {
		report.Fit = fittingFolder(ctx, f.folders[0], tried)
	}
	if report.Fit == "" {
		report.Surplus = f.surplus(ctx, tried)
	}
	return report, nil
}

// missingNames returns the names without an image, in their order. An image that cannot be read is not missing.
func (f *Fetcher) missingNames(ctx context.Context, names []string) ([]string, error) {
	missing := make([]bool, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentLookups)
	for i, name := range names {
		group.Go(func() error {
			_, fault, err := f.Locate(ctx, name)
			missing[i] = fault != nil && (fault.Code == NotFound || fault.Code == dataset.ImageNameUnsafe)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var list []string
	for i, name := range names {
		if missing[i] {
			list = append(list, name)
		}
	}
	return list, nil
}

// fittingFolder returns the folder near folder that has the most named images; "" if no folder has more than half of
// them.
func fittingFolder(ctx context.Context, folder string, names []string) string {
	parent := filepath.Dir(folder)
	candidates := []string{parent}
	_, below := entries(folder, maxNearFiles)
	for _, name := range bounded(below) {
		candidates = append(candidates, filepath.Join(folder, name))
	}
	_, next := entries(parent, maxNearFiles)
	for _, name := range bounded(next) {
		candidates = append(candidates, filepath.Join(parent, name))
	}
	if common := commonFolder(names); common != "" {
		candidates = append(candidates, common)
	}
	best, most := "", len(names)/2
	for _, candidate := range candidates {
		if found := foundIn(ctx, candidate, names); found > most && candidate != folder {
			best, most = candidate, found
		}
	}
	return best
}

// bounded returns at most maxFolders folders: first those with a usual name of image folders, then the others, each in
// alphabetical order.
func bounded(folders []string) []string {
	usual := func(name string) int {
		if strings.Contains(strings.ToLower(name), "im") {
			return 0
		}
		return 1
	}
	slices.SortFunc(folders, func(a, b string) int {
		return cmp.Or(cmp.Compare(usual(a), usual(b)), strings.Compare(a, b))
	})
	return folders[:min(len(folders), maxFolders)]
}

// foundIn returns the number of names that are files in a folder of this machine.
func foundIn(ctx context.Context, folder string, names []string) (found int) {
	view, err := bucket.NewView(map[string]bucket.Content{"images/": bucket.AtFolder(folder)})
	if err != nil {
		return 0
	}
	for _, name := range names {
		relative, err := dataset.ImageNames(name, folderPaths(folder))
		if err != nil {
			continue
		}
		if _, err := view.Stat(ctx, "images/"+relative[len(relative)-1]); err == nil {
			found++
		}
	}
	return found
}

// surplus returns the folder with which the names begin, if more than half of the images are found under the rest of
// their names; otherwise "".
func (f *Fetcher) surplus(ctx context.Context, names []string) string {
	counts := map[string]int{}
	for _, name := range names {
		clean, err := dataset.CleanImageName(name)
		if err != nil {
			continue
		}
		first, rest, ok := strings.Cut(clean, "/")
		if !ok || first == "" || first == "gs:" {
			continue
		}
		if _, err := f.input.Stat(ctx, f.prefix+rest); err == nil {
			counts[first]++
		} else if !errors.Is(err, bucket.ErrNotExist) {
			return ""
		}
	}
	for first, count := range counts {
		if 2*count > len(names) {
			return first
		}
	}
	return ""
}

// commonFolder returns the deepest folder of this machine that contains all absolute names; "" if no name is absolute,
// or if the folder is the root or does not exist.
func commonFolder(names []string) string {
	var common string
	for _, name := range names {
		clean, err := dataset.CleanImageName(name)
		if err != nil || !filepath.IsAbs(filepath.FromSlash(clean)) {
			continue
		}
		if common == "" {
			common = path.Dir(clean)
		}
		for !strings.HasPrefix(clean, strings.TrimSuffix(common, "/")+"/") {
			common = path.Dir(common)
		}
	}
	if info, err := os.Stat(common); err != nil || !info.IsDir() || path.Dir(common) == common {
		return ""
	}
	return filepath.FromSlash(common)
}
