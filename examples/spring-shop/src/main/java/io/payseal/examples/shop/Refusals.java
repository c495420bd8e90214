package io.payseal.examples.shop;

import io.payseal.ArgumentException;
import io.payseal.ErrorCode;
import io.payseal.OrderException;
import io.payseal.PaysealException;
import io.payseal.StoreException;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;

/** Answers with an error, and says whether money may have moved. */
@RestControllerAdvice
class Refusals {
    private static final Logger LOG = LoggerFactory.getLogger("shop");

    @ExceptionHandler
    ResponseEntity<byte[]> refuse(PaysealException error) {
        return refuse(error, error.getMessage());
    }

    /** With words for people in place of the library's. */
    static ResponseEntity<byte[]> refuse(PaysealException error, String said) {
        LOG.warn("{}", error.toString());
        return Json.answer(
                statusOf(error),
                Map.of("error", said, "outcome", error.outcome().name()));
    }

    private static HttpStatus statusOf(PaysealException error) {
        if (error.code() == ErrorCode.ORDER_UNKNOWN) {
            return HttpStatus.NOT_FOUND;
        }
        if (error instanceof OrderException) {
            return HttpStatus.CONFLICT;
        }
        if (error instanceof ArgumentException) {
            return HttpStatus.BAD_REQUEST;
        }
        return error instanceof StoreException ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.BAD_GATEWAY;
    }

    @ExceptionHandler
    ResponseEntity<byte[]> wrong(Json.BadRequest error) {
        return Json.answer(HttpStatus.BAD_REQUEST, Map.of("error", error.getMessage()));
    }

    @ExceptionHandler
    ResponseEntity<byte[]> wrong(MethodArgumentTypeMismatchException error) {
        return Json.answer(HttpStatus.BAD_REQUEST, Map.of("error", error.getName() + " must be an integer"));
    }
}
