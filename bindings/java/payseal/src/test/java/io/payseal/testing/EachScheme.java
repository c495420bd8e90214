package io.payseal.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A test of what a family of operations is used for, by a {@link Merchant} with RSA and by one with 国密. It is in the
 * family's package, and fails unless the sandbox has accepted an operation of that package.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest(name = "{0}")
@MethodSource("io.payseal.testing.Merchant#ofEachScheme")
@ExtendWith(FamilyWasUsed.class)
public @interface EachScheme {}
