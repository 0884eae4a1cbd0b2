package seatwright

import (
	"cmp"
	"slices"
)

// sortedKeys lists the keys of a map in their order. Most maps of a slice are empty in most batches: then it does nothing.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return sortedKeysFunc(m, cmp.Compare[K]) }

// sortedKeysFunc lists the keys of a map in the order of compare.
func sortedKeysFunc[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	if len(m) == 0 {
		return nil
	}
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// put sets a value in a map that is made with its first one.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}
