package model_test

import (
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			modeltest.Conformance(t, func(t testing.TB) *model.Store {
				t.Helper()
				return modeltest.Open(t, engine)
			})
		})
	}
}
