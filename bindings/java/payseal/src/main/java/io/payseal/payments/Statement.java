package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * SQL that is written together with an acknowledgement, in the library's transaction or in one of the service's own.
 *
 * @param sql the statement, with {@code ?} for values
 * @param values texts, integers and {@code null}
 * @param changes how many rows it must change; {@code null} where any number will do
 */
public record Statement(
        @JsonProperty("sql") String sql,
        @JsonProperty("values") List<Object> values,
        @JsonProperty("changes") Integer changes) {}
