/* SPDX-License-Identifier: MIT */
/* yaml_reader_absent.c - replaces yaml_reader.c in a build without libyaml. */
#include "yaml_reader.h"

struct settings_node *yaml_reader_read(const struct yaml_source *source)
{
    source->report(source->user, (struct settings_position){.line = 0},
                   "this weir was built without libyaml, so it reads no configuration file; build "
                   "it again with libyaml (docs/dependencies.md), or use options");
    return NULL;
}
